using FsCheck;
using FsCheck.Fluent;
using ShardedCache.Entries;

namespace ShardedCache.Contract.Session;

/// <summary>Session states as they come about, and such as only ties of stamps make. Few keys and few stamps, so that they meet.</summary>
internal static class SessionStates
{
    /// <summary>Beyond 2^63 and on both sides of a change of the upper half, so that no sign and no double can hide a fault.</summary>
    private static readonly ulong[] Stamps = [1, 2, 0x0000_0001_0000_0000, 0x0000_0001_FFFF_FFFF, 0x7FFF_FFFF_FFFF_FFFF, 0xFF0D_0A00_80FF_FE01, 0xFF0D_0A01_0000_0000];

    private static readonly string[] Keys = ["", "a", "b", "ü\0\n", "A"];

    private static readonly byte[]?[] Values = [null, [], [0], [1], [0xFF], [0, 1], [0xC1, 2, 0, 13, 10]];

    public static Gen<Stamp> AnyStamp { get; } = Gen.Elements(Stamps).Select(static value => new Stamp(value));

    public static Gen<SessionState> One { get; } =
        from items in (from key in Gen.Elements(Keys) from stamp in AnyStamp from value in Gen.Elements(Values) select (key, stamp, value)).ListOf()
        from cleared in Gen.Frequency((3, Gen.Constant(default(Stamp))), (1, AnyStamp))
        from named in Gen.Frequency((1, Gen.Constant(default(Stamp))), (3, AnyStamp))
        from id in Gen.Elements<UInt128>(1, UInt128.MaxValue - 1)
        select new SessionState
        {
            Cleared = cleared,
            Id = named == default ? default : new SessionId(named, id),
            Items = items.GroupBy(static item => item.key).Select(static same => same.First()).Where(item => item.stamp > cleared)
                .ToDictionary(static item => item.key, static item => new SessionItem(item.stamp, item.value)),
        };

    /// <summary>All that a state says, in an order of its own.</summary>
    public static string Describe(SessionState? state) => state is null ? "none" : string.Join('\n', (string[])
    [
        $"cleared {state.Cleared.Value:x}, id {state.Id.Stamp.Value:x} {state.Id.Value:x}",
        .. state.Items.OrderBy(static item => item.Key, StringComparer.Ordinal)
            .Select(static item => $"'{item.Key}' {item.Value.Stamp.Value:x} {(item.Value.Value is { } value ? Convert.ToHexString(value) : "removed")}"),
    ]);
}
