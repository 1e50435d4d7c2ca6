using System.Globalization;

namespace ShardedCache;

/// <summary>Reads option values from text, in the same way from a connection string and from a configuration section.</summary>
internal static class OptionValues
{
    /// <summary>Digits alone are milliseconds, as in a StackExchange.Redis connection string.</summary>
    public static (TimeSpan? Value, string Expected) ReadDuration(string text)
    {
        TimeSpan? value = null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds))
        {
            value = TimeSpan.FromMilliseconds(milliseconds);
        }
        else if (text.Contains(':') && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span))
        {
            value = span;
        }

        return (value, "milliseconds (1000) or hours, minutes and seconds (00:00:01)");
    }

    public static (int? Value, string Expected) ReadInt32(string text) =>
        (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null, "a whole number of bytes");

    public static (long? Value, string Expected) ReadInt64(string text) =>
        (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null, "a whole number of bytes");

    /// <summary>By name, without case; a number is none.</summary>
    public static (T? Value, string Expected) ReadName<T>(string text)
        where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (value.ToString().Equals(text, StringComparison.OrdinalIgnoreCase))
            {
                return (value, string.Empty);
            }
        }

        return (null, string.Join(", ", Enum.GetNames<T>()));
    }
}
