namespace ShardedCache.Connections;

internal static class ServerErrors
{
    /// <summary>
    /// The text that may be shown: of a command that it does not know (one that was renamed away) Redis repeats the arguments,
    /// among them the key.
    /// </summary>
    public static string WithoutArguments(string errorText)
    {
        var arguments = errorText.IndexOf(", with args beginning with:", StringComparison.Ordinal);
        return arguments < 0 ? errorText : errorText[..arguments];
    }

    /// <summary>Classifies a Redis error by its first word, as <c>READONLY You can't write …</c>.</summary>
    public static ServerErrorCode Classify(ReadOnlySpan<char> errorText)
    {
        var end = errorText.IndexOf(' ');
        var word = end < 0 ? errorText : errorText[..end];
        return word switch
        {
            "READONLY" => ServerErrorCode.ReadOnly,
            "MASTERDOWN" => ServerErrorCode.MasterDown,
            "LOADING" => ServerErrorCode.Loading,
            "BUSY" => ServerErrorCode.Busy,
            "MISCONF" => ServerErrorCode.Misconf,
            "NOREPLICAS" => ServerErrorCode.NoReplicas,
            "OOM" => ServerErrorCode.OutOfMemory,
            "NOAUTH" => ServerErrorCode.NoAuth,
            "WRONGPASS" => ServerErrorCode.WrongPass,
            "NOPERM" => ServerErrorCode.NoPerm,
            "WRONGTYPE" => ServerErrorCode.WrongType,
            "NOSCRIPT" => ServerErrorCode.NoScript,
            "NOGOODSLAVE" => ServerErrorCode.NoGoodSlave,
            _ => ServerErrorCode.Other,
        };
    }
}
