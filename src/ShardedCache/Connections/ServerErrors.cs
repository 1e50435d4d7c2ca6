namespace ShardedCache.Connections;

internal static class ServerErrors
{
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
