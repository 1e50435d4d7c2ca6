using System.Globalization;

namespace ShardedCache.LoadLab.Throughput;

/// <summary>Which cells and subjects a run has, and how long its rounds are.</summary>
internal sealed record Selection(
    IReadOnlyList<string> Ops, IReadOnlyList<int> Payloads, IReadOnlyList<int> InFlight, IReadOnlyList<int> Shards, IReadOnlyList<string> Subjects, int Rounds, TimeSpan Round, string? Json)
{
    private static readonly Selection Whole = new(
        ["get", "get-sliding", "get-buffer", "set", "set-buffer", "remove", "batch", "mix", "miss"],
        [128, 1024, 16 * 1024, 256 * 1024], [1, 16, 64, 256, 1024], [1, 2, 4, 8], Throughput.Subjects.All, 5, TimeSpan.FromMilliseconds(500), null);

    private static readonly Selection Quick = Whole with
    {
        Ops = ["get", "get-sliding", "get-buffer", "set", "set-buffer"],
        Payloads = [128],
        InFlight = [64, 256],
        Shards = [1],
        Subjects = ["sharded-resp", "sharded", "stackexchange", "microsoft", "redis-benchmark-p16"],
        Round = TimeSpan.FromMilliseconds(400),
    };

    /// <summary>What has a bar in C, and no more.</summary>
    public static Selection Check { get; } = Quick with
    {
        Ops = ["get-buffer", "set-buffer"],
        Subjects = ["sharded-resp", "redis-benchmark-p16"],
        Rounds = 7,
        Round = TimeSpan.FromMilliseconds(500),
    };

    /// <summary>The large payloads with many in flight would measure memory only, and a lot of it.</summary>
    public IEnumerable<Cell> Cells =>
        from shards in Shards
        from payload in Payloads
        from inFlight in InFlight
        where (long)payload * inFlight <= 64 * 1024 * 1024
        from op in Ops
        where op != "batch" || (long)payload * inFlight * 100 <= 256 * 1024 * 1024
        select new Cell(op, payload, inFlight, shards);

    /// <summary>Null where an argument is none of ours.</summary>
    public static Selection? From(string[] arguments)
    {
        var selection = arguments.Contains("--quick") ? Quick : Whole;
        var rest = arguments.Where(static argument => argument != "--quick").ToArray();
        if (rest.Length % 2 != 0)
        {
            return null;
        }

        foreach (var pair in rest.Chunk(2))
        {
            var values = pair[1].Split(',');
            switch (pair[0])
            {
                case "--ops": selection = selection with { Ops = values }; break;
                case "--payloads": selection = selection with { Payloads = [.. values.Select(Number)] }; break;
                case "--inflight": selection = selection with { InFlight = [.. values.Select(Number)] }; break;
                case "--shards": selection = selection with { Shards = [.. values.Select(Number)] }; break;
                case "--subjects": selection = selection with { Subjects = values }; break;
                case "--rounds": selection = selection with { Rounds = Number(pair[1]) }; break;
                case "--round-ms": selection = selection with { Round = TimeSpan.FromMilliseconds(Number(pair[1])) }; break;
                case "--json": selection = selection with { Json = pair[1] }; break;
                default: return null;
            }
        }

        return selection;
    }

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
