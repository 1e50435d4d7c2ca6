using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Session;

/// <summary>
/// One request's view of a session: what was loaded, and on top of it what the request has changed, which alone is committed. For
/// one request at a time, as every <see cref="ISession"/>.
/// </summary>
internal sealed class MergingSession(
    ShardedSessionStore store, string sessionKey, TimeSpan idleTimeout, TimeSpan ioTimeout, Func<bool> tryEstablishSession, bool isNew) : ISession
{
    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]?> _changes = new(StringComparer.Ordinal);
    private SessionLoad _load;
    private SessionState? _known;
    private UInt128 _id;
    private bool _isLoaded;
    private bool _isCleared;
    private bool _isKeptAlive;

    public bool IsAvailable
    {
        get
        {
            Load();
            return _load.IsAvailable;
        }
    }

    /// <summary>Empty where the session is not available.</summary>
    public string Id => IsAvailable ? new Guid(IdBytes(), bigEndian: true).ToString() : string.Empty;

    public IEnumerable<string> Keys
    {
        get
        {
            Load();
            return _values.Keys;
        }
    }

    public bool TryGetValue(string key, [NotNullWhen(true)] out byte[]? value)
    {
        Load();
        return _values.TryGetValue(WithUtf8Form(key), out value);
    }

    public void Set(string key, byte[] value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        Load();
        if (!_load.TakesChanges)
        {
            return;
        }

        key = WithUtf8Form(key);
        if (Encoding.UTF8.GetByteCount(key) > SessionState.MaxKeyBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(key), $"The key of a session has at most {SessionState.MaxKeyBytes} bytes of UTF-8.");
        }

        if (!tryEstablishSession())
        {
            throw new InvalidOperationException("The session cannot be established after the response has started.");
        }

        _values[key] = [.. value];
        _changes[key] = _values[key];
    }

    public void Remove(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Load();
        key = WithUtf8Form(key);

        // Where nobody knows whether it is there, it is removed in any case.
        if (_values.Remove(key) || (!isNew && _load is { IsFromMaster: false, TakesChanges: true }))
        {
            _changes[key] = null;
        }
    }

    public void Clear()
    {
        Load();

        // Also where nothing is known to be there: another request may have set something since.
        if (_load.TakesChanges && (!isNew || _values.Count > 0 || _changes.Count > 0))
        {
            _isCleared = true;
            _changes.Clear();
            _values.Clear();
        }
    }

    public async Task LoadAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_isLoaded)
        {
            Take(await store.LoadAsync(sessionKey, isNew, ioTimeout, cancellationToken).ConfigureAwait(false));
        }
    }

    public async Task CommitAsync(CancellationToken cancellationToken = default)
    {
        if (_changes.Count == 0 && !_isCleared)
        {
            // Reading has prolonged its life; a request that did not read it is a use as well.
            if (!_isLoaded && !isNew && !_isKeptAlive)
            {
                store.KeepAlive(sessionKey);
                _isKeptAlive = true;
            }

            return;
        }

        cancellationToken.ThrowIfCancellationRequested();
        var changes = new SessionChanges(_isCleared, new Dictionary<string, byte[]?>(_changes, StringComparer.Ordinal), _load.IsAvailable ? NumberOf(IdBytes()) : 0);
        await store.CommitAsync(
            sessionKey, _load.IsAvailable ? _known : null, changes, idleTimeout, ioTimeout, cancellationToken).ConfigureAwait(false);
        _changes.Clear();
        if (_isCleared)
        {
            (_isCleared, _known) = (false, SessionState.Empty);
        }
    }

    private void Load()
    {
        if (!_isLoaded)
        {
            Take(store.Load(sessionKey, isNew));
        }
    }

    private void Take(SessionLoad load)
    {
        (_load, _isLoaded) = (load, true);
        _known = load.State ?? SessionState.Empty;
        _id = _known.Id.Stamp == default ? 0 : _known.Id.Value;
        foreach (var (key, item) in _known.Items)
        {
            if (item.Value is { } value)
            {
                // Whoever gets it may change it.
                _values.Add(key, [.. value]);
            }
        }
    }

    private byte[] IdBytes()
    {
        var bytes = new byte[16];
        if (_id == 0)
        {
            RandomNumberGenerator.Fill(bytes);
            _id = NumberOf(bytes);
        }

        BinaryPrimitives.WriteUInt128BigEndian(bytes, _id);
        return bytes;
    }

    private static UInt128 NumberOf(byte[] bytes) => BinaryPrimitives.ReadUInt128BigEndian(bytes);

    /// <summary>A key as it is read back, should it hold half of a surrogate pair.</summary>
    private static string WithUtf8Form(string key) =>
        key.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') ? Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(key)) : key;
}
