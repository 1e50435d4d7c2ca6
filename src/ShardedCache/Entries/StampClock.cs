using System.Security.Cryptography;

namespace ShardedCache.Entries;

/// <summary>
/// The clock of one shard, as this process sees it: the shard's own time, and stamps that strictly grow here and pass
/// every stamp that was read. A hybrid logical clock (S. Kulkarni et al., "Logical Physical Clocks", 2014).
/// </summary>
/// <remarks>
/// Safe for any threads; nothing blocks but two calibrations each other. Between calibrations it runs on the monotonic
/// clock, so a local wall clock that jumps changes nothing. Before the first one it goes by the local wall clock as it
/// was at construction.
/// </remarks>
internal sealed class StampClock
{
    /// <summary>A stamp further ahead of the shard's time is not adopted: it comes from a broken clock, or is no stamp.</summary>
    public static readonly TimeSpan MaxLead = TimeSpan.FromSeconds(10);

    private static readonly uint ProcessBits = (uint)RandomNumberGenerator.GetInt32(1 << Stamp.ProcessBits);

    private readonly TimeProvider _time;
    private readonly uint _processBits;
    private readonly Lock _calibration = new();
    private volatile ShardTime _shardTime;
    private long? _firstShift;
    private ulong _last;

    public StampClock(TimeProvider time)
        : this(time, ProcessBits)
    {
    }

    internal StampClock(TimeProvider time, uint processBits)
    {
        _time = time;
        _processBits = processBits;
        _shardTime = new ShardTime(time.GetTimestamp(), Micros(time.GetUtcNow()), 0);
    }

    public DateTimeOffset Now => DateTimeOffset.UnixEpoch.AddMicroseconds(NowMicroseconds);

    public long NowMilliseconds => NowMicroseconds / 1000;

    /// <summary>Whether the shard's own time was ever measured.</summary>
    public bool IsCalibrated => FirstShift is not null;

    /// <summary>By how many microseconds the first calibration has moved what was stamped until then; null before.</summary>
    public long? FirstShift
    {
        get
        {
            lock (_calibration)
            {
                return _firstShift;
            }
        }
    }

    public long NowMicroseconds => _shardTime.At(_time, _time.GetTimestamp());

    /// <param name="timestamp">Of <see cref="TimeProvider.GetTimestamp"/>.</param>
    public long MillisecondsAt(long timestamp) => _shardTime.At(_time, timestamp) / 1000;

    /// <summary>How long ago a stamp was made here; less, where it had to pass one that was ahead.</summary>
    public TimeSpan ElapsedSince(Stamp stamp) => TimeSpan.FromMicroseconds(Math.Max(0, NowMicroseconds - stamp.UnixMicroseconds));

    /// <summary>
    /// Takes a reply to <c>TIME</c>. The timestamps are <see cref="TimeProvider.GetTimestamp"/> just before the command
    /// was sent and just after its reply came; half the time between them is how far the measurement can be off.
    /// </summary>
    /// <returns>
    /// The first time: by how many microseconds the shard's clock is ahead of the local one that was used so far. The stamps
    /// made until then are to be moved by as much, and the next ones follow those. Else 0.
    /// </returns>
    public long Calibrate(DateTimeOffset serverTime, long sentTimestamp, long receivedTimestamp)
    {
        var halfRoundTrip = Math.Max(0, _time.GetElapsedTime(sentTimestamp, receivedTimestamp).Ticks) / TimeSpan.TicksPerMicrosecond / 2;
        var measured = new ShardTime(sentTimestamp, Micros(serverTime) - halfRoundTrip, halfRoundTrip);
        lock (_calibration)
        {
            if (_firstShift is not null)
            {
                _shardTime = _shardTime.Or(measured, _time);
                return 0;
            }

            var shift = measured.At(_time, sentTimestamp) - _shardTime.At(_time, sentTimestamp);
            _shardTime = measured;
            _firstShift = shift;
            var last = Volatile.Read(ref _last);
            for (var seen = last; last != 0; last = seen)
            {
                seen = Interlocked.CompareExchange(ref _last, new Stamp(last).Plus(shift).Value, last);
                if (seen == last)
                {
                    break;
                }
            }

            return shift;
        }
    }

    /// <summary>A stamp later than every one that this clock has made or adopted. Lock-free.</summary>
    public Stamp Next() => Next(out _);

    /// <inheritdoc cref="Next()" />
    /// <param name="nowMilliseconds">The time by this clock, which the stamp may be ahead of.</param>
    public Stamp Next(out long nowMilliseconds)
    {
        var now = NowMicroseconds;
        nowMilliseconds = now / 1000;
        var last = Volatile.Read(ref _last);
        while (true)
        {
            var next = Stamp.From(Math.Max(now, new Stamp(last).UnixMicroseconds + 1), _processBits).Value;
            var seen = Interlocked.CompareExchange(ref _last, next, last);
            if (seen == last)
            {
                return new Stamp(next);
            }

            last = seen;
        }
    }

    /// <summary>
    /// Adopts a stamp that was read, so that every later one of ours is greater. False where it lies more than
    /// <see cref="MaxLead"/> ahead of the shard's time and was not adopted.
    /// </summary>
    public bool Observe(Stamp stamp)
    {
        var last = Volatile.Read(ref _last);
        if (stamp.Value <= last)
        {
            return true;
        }

        if (stamp.UnixMicroseconds - NowMicroseconds > (long)MaxLead.TotalMicroseconds)
        {
            return false;
        }

        while (stamp.Value > last)
        {
            var seen = Interlocked.CompareExchange(ref _last, stamp.Value, last);
            if (seen == last)
            {
                return true;
            }

            last = seen;
        }

        return true;
    }

    private static long Micros(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
