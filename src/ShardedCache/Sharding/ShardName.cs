using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ShardedCache.Sharding;

/// <summary>
/// A shard as the rule knows it: its name, <c>[A-Za-z0-9._:\[\]-]{1,64}</c>, and its weight, 1 to 64. Written
/// <c>shard-0</c>, or <c>shard-0*2</c> for another weight than 1.
/// </summary>
internal sealed record ShardName(string Name, int Weight = 1)
{
    public const int MaxLength = 64;

    public const int MaxWeight = 64;

    public bool IsValid => IsValidName(Name) && Weight is >= 1 and <= MaxWeight;

    public static bool IsValidName([NotNullWhen(true)] string? name)
    {
        if (name is null || name.Length is 0 or > MaxLength)
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or ':' or '[' or ']' or '-'))
            {
                return false;
            }
        }

        return true;
    }

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out ShardName? shard)
    {
        var name = text;
        var weight = 1;
        var star = text.IndexOf('*');
        if (star >= 0)
        {
            name = text[..star];
            if (!int.TryParse(text[(star + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out weight))
            {
                shard = null;
                return false;
            }
        }

        shard = new ShardName(name.ToString(), weight);
        return shard.IsValid;
    }

    public override string ToString() =>
        Weight == 1 ? Name : string.Create(CultureInfo.InvariantCulture, $"{Name}*{Weight}");
}
