using System.Buffers;
using ShardedCache.Connections;

namespace ShardedCache.Entries;

/// <summary>
/// Stands between a transport and the caller's buffer: takes the stored bytes as they come, peels the header off and
/// passes on the payload, and nothing of what is not a live entry. Once the header is through, a transport writes
/// straight into the caller's memory.
/// </summary>
/// <remarks>
/// For one read at a time, on one thread at a time: <see cref="Begin(IBufferWriter{byte}, StampClock)"/>, the read, then
/// <see cref="Outcome"/> and <see cref="Header"/>, then <see cref="End"/>; then the next read may begin. While the header
/// is awaited a small span is handed out, so that at most 24 bytes of payload are copied twice; who asks for more room
/// than that, before anything was written, pays a copy of what he writes there.
/// </remarks>
internal sealed class EntryReader : IWholeValueWriter
{
    private const int DiscardSize = 4096;

    private const int NothingKept = -1;

    /// <summary>How far the stamps of two processes can be apart without telling anything of their order.</summary>
    private const long MostClockErrorMilliseconds = 250;

    private readonly byte[] _own = new byte[EntryHeader.MaxLength];
    private readonly PayloadBuffer _collected = new();
    private readonly PayloadBuffer _kept = new();

    private byte[] _scratch;
    private byte[]? _array;
    private int _filled;
    private Progress _progress;
    private EntryOutcome _found;
    private IBufferWriter<byte>? _target;
    private StampClock? _clock;
    private Memory<byte> _handedOut;
    private Stamp _known;
    private long _confirmedAt;
    private int _maxKept = NothingKept;
    private bool _isKeeping;
    private bool _hasForwarded;

    public EntryReader()
    {
        _scratch = _own;
    }

    private enum Progress : byte
    {
        AwaitingHeader,
        Forwarding,
        Discarding,
    }

    /// <summary>What the bytes so far are. An entry that ends before its header does is foreign.</summary>
    public EntryOutcome Outcome => _progress == Progress.AwaitingHeader && _filled > 0 ? EntryOutcome.Foreign : _found;

    /// <summary>Set where the outcome is a value, a tombstone or an expired entry.</summary>
    public EntryHeader Header { get; private set; }

    /// <summary>When the header came, in milliseconds by the shard's clock: for what follows at once, the time need not be asked again.</summary>
    public long ReadAt { get; private set; }

    /// <summary>Starts a read whose payload goes to <paramref name="target"/>; the clock is the shard's.</summary>
    public void Begin(IBufferWriter<byte> target, StampClock clock)
    {
        if (_target is not null)
        {
            End();
        }

        _target = target;
        _clock = clock;
    }

    /// <summary>Starts a read whose payload is collected for <see cref="ToArray"/>.</summary>
    public void Begin(StampClock clock) => Begin(_collected, clock);

    /// <summary>The collected payload, until <see cref="End"/>.</summary>
    public ReadOnlySpan<byte> Collected => _array ?? _collected.Written;

    /// <summary>The collected payload, in an array of its own: the caller's from now on.</summary>
    public byte[] ToArray() => _array ?? ArrayOf(_collected.Written);

    /// <summary>Asks for a copy of the payload beside what the caller gets, where it is not too large and its stamp not this one.</summary>
    /// <param name="known">The stamp of what is known.</param>
    /// <param name="confirmedAt">When a server last said the same, in milliseconds by the shard's clock.</param>
    /// <param name="maxBytes">What is too large.</param>
    public void Keep(Stamp known, long confirmedAt, int maxBytes) => (_known, _confirmedAt, _maxKept) = (known, confirmedAt, maxBytes);

    /// <summary>The stamp of what was known when it began.</summary>
    public Stamp Known => _known;

    /// <summary>Whether it says what a server has said already, no longer ago than this many milliseconds.</summary>
    public bool SaysAgain(long milliseconds) =>
        Header.Stamp == _known && ReadAt - _confirmedAt < milliseconds && Outcome is EntryOutcome.Value or EntryOutcome.Tombstone;

    /// <summary>The copy asked for. False where there is none.</summary>
    public bool TryGetKept(out ReadOnlySpan<byte> payload)
    {
        payload = IsCollecting ? Collected : _kept.Written;
        return _isKeeping && payload.Length <= _maxKept;
    }

    /// <summary>
    /// Starts over, because what came so far is not the answer. False where the caller's buffer has some of it, which cannot be
    /// taken back.
    /// </summary>
    public bool TryRestart()
    {
        var (target, clock) = (_target!, _clock!);
        if (_hasForwarded && !IsCollecting)
        {
            return false;
        }

        Begin(target, clock);
        return true;
    }

    /// <summary>Passes a payload on, or a part of one, that is known from elsewhere.</summary>
    public void Supply(ReadOnlySpan<byte> payload)
    {
        _found = EntryOutcome.Value;
        _progress = Progress.Forwarding;
        Forward(payload);
    }

    /// <summary>The same for all of it, in an array that is the caller's from now on.</summary>
    public void SupplyWhole(byte[] payload)
    {
        if (IsCollecting)
        {
            (_found, _progress, _array) = (EntryOutcome.Value, Progress.Forwarding, payload);
        }
        else
        {
            Supply(payload);
        }
    }

    /// <summary>Takes the whole entry at once: its header need not be collected, and an array made for the payload has its size.</summary>
    public void WriteWhole(ReadOnlySpan<byte> value)
    {
        if (_progress != Progress.AwaitingHeader || _filled > 0 || !TryTakeHeader(value, out var length))
        {
            this.Write(value);
        }
        else if (_progress == Progress.Forwarding)
        {
            if (IsCollecting)
            {
                _array = ArrayOf(value[length..]);
            }
            else
            {
                Forward(value[length..]);
            }
        }
    }

    public int? HeadBeforeArray(ReadOnlySpan<byte> begun) =>
        IsCollecting && _progress == Progress.AwaitingHeader && _filled == 0 && EntryHeader.TryRead(begun, out _, out var length) ? length : null;

    public void WriteWhole(ReadOnlySpan<byte> head, byte[] payload)
    {
        if (TryTakeHeader(head, out _) && _progress == Progress.Forwarding)
        {
            _array = payload;
        }
    }

    /// <summary>Lets go of everything that belonged to the read. Idempotent.</summary>
    public void End()
    {
        if (!ReferenceEquals(_scratch, _own))
        {
            ArrayPool<byte>.Shared.Return(_scratch);
            _scratch = _own;
        }

        _collected.Clear();
        _kept.Clear();
        _array = null;
        _handedOut = default;
        (_known, _maxKept, _isKeeping, _hasForwarded) = (default, NothingKept, false, false);
        _filled = 0;
        _progress = Progress.AwaitingHeader;
        _found = EntryOutcome.None;
        _target = null;
        _clock = null;
        Header = default;
    }

    public Memory<byte> GetMemory(int sizeHint = 0) =>
        _progress == Progress.Forwarding ? _handedOut = _target!.GetMemory(sizeHint) : Scratch(sizeHint).AsMemory(_filled);

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Advance(int count)
    {
        if (_progress == Progress.Forwarding)
        {
            if (count > 0)
            {
                KeepCopy(_handedOut.Span[..count]);
                _hasForwarded = true;
            }

            _target!.Advance(count);
            return;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _scratch.Length - _filled);
        if (_progress == Progress.AwaitingHeader)
        {
            _filled += count;
            var bytes = _scratch.AsSpan(0, _filled);
            if (TryTakeHeader(bytes, out var length) && _progress == Progress.Forwarding)
            {
                Forward(bytes[length..]);
            }
        }
    }

    private bool IsCollecting => ReferenceEquals(_target, _collected);

    /// <summary>A large array's memory would else be cleared first, which takes as long as the copy.</summary>
    private static byte[] ArrayOf(ReadOnlySpan<byte> payload)
    {
        var array = GC.AllocateUninitializedArray<byte>(payload.Length);
        payload.CopyTo(array);
        return array;
    }

    /// <summary>False where it is not all there yet. What follows it is to be forwarded, or nothing.</summary>
    private bool TryTakeHeader(ReadOnlySpan<byte> bytes, out int length)
    {
        length = 0;
        if (bytes.Length < 2 || EntryHeader.LengthOf(bytes[0], bytes[1]) > bytes.Length)
        {
            return false;
        }

        if (!EntryHeader.TryRead(bytes, out var header, out length))
        {
            Discard(EntryOutcome.Foreign);
            return true;
        }

        (Header, ReadAt) = (header, _clock!.NowMilliseconds);
        if (header.IsTombstone)
        {
            Discard(EntryOutcome.Tombstone);
        }
        else if (header.HasExpired(ReadAt))
        {
            Discard(EntryOutcome.Expired);
        }
        else if (IsReplaced(header.Stamp))
        {
            Discard(EntryOutcome.Replaced);
        }
        else
        {
            _found = EntryOutcome.Value;
            _progress = Progress.Forwarding;
            _isKeeping = _maxKept >= 0 && header.Stamp != _known;
        }

        return true;
    }

    /// <summary>A stamp ahead of the time comes from a wrong clock, and tells nothing.</summary>
    private bool IsReplaced(Stamp stamp)
    {
        var known = _known.UnixMicroseconds / 1000;
        return known - (stamp.UnixMicroseconds / 1000) > MostClockErrorMilliseconds && known <= ReadAt + MostClockErrorMilliseconds;
    }

    private void Forward(ReadOnlySpan<byte> payload)
    {
        KeepCopy(payload);
        _hasForwarded |= payload.Length > 0;
        _target!.Write(payload);
    }

    private void KeepCopy(ReadOnlySpan<byte> payload)
    {
        // What is collected is at hand already.
        if (!_isKeeping || IsCollecting)
        {
            return;
        }

        if (_kept.Written.Length + payload.Length > _maxKept)
        {
            _isKeeping = false;
            _kept.Clear();
            return;
        }

        _kept.Write(payload);
    }

    private void Discard(EntryOutcome outcome)
    {
        _found = outcome;
        _progress = Progress.Discarding;
        _filled = 0;
    }

    private byte[] Scratch(int sizeHint)
    {
        var needed = _filled + Math.Max(sizeHint, _progress == Progress.Discarding ? DiscardSize : 1);
        if (_scratch.Length < needed)
        {
            var larger = ArrayPool<byte>.Shared.Rent(needed);
            _scratch.AsSpan(0, _filled).CopyTo(larger);
            if (!ReferenceEquals(_scratch, _own))
            {
                ArrayPool<byte>.Shared.Return(_scratch);
            }

            _scratch = larger;
        }

        return _scratch;
    }
}
