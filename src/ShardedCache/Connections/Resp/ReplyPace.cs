namespace ShardedCache.Connections.Resp;

/// <summary>
/// Whether it pays to look for replies again and again. From servers that are near they come sooner than a thread goes to sleep and is
/// woken; while those are awaited that come from afar, looking for them only takes a processor. Several threads use it at once, and may
/// miss what another one has seen.
/// </summary>
internal sealed class ReplyPace
{
    private const int MostLooksThatPay = 40;
    private const int Certain = 8;

    // Whether it has come to pay is seen by trying.
    private const int TriesOneIn = 16;

    private int _confidence = Certain;
    private int _waits;

    /// <summary>Whether looking again has lately found them.</summary>
    public bool Pays => _confidence > Certain / 2;

    /// <summary>How often to look this time until the thread is better used otherwise; 1 or more.</summary>
    public int LooksToTake() => Pays || ++_waits % TriesOneIn == 0 ? MostLooksThatPay : 1;

    /// <summary>What the first look finds, or does not, says nothing of the others.</summary>
    public void Found(int looks)
    {
        if (looks > 1)
        {
            _confidence = Math.Min(Certain, _confidence + 1);
        }
    }

    public void Missed(int looks)
    {
        if (looks > 1)
        {
            _confidence = Math.Max(0, _confidence - 1);
        }
    }
}
