using System.Net;
using System.Net.Sockets;

namespace ShardedCache.Connections.Resp;

/// <summary>
/// Receives for many connections, so that replies of many shards are worked off together. While callers go on, the pool's thread
/// that serves them also receives, as it then finds most of what comes without being woken; when there is nothing to do, or the callers
/// take long, a thread of its own waits. That thread needs nothing of the pool, which blocked callers may have used up. It ends
/// when its connections have, once there will be no more.
/// </summary>
internal sealed class RespPoller
{
    /// <summary>For more sockets than this, waiting for them would allocate.</summary>
    public const int MostConnections = 64;

    public const int StackSize = 256 * 1024;

    private const int MostSpins = 20;

    private readonly Lock _gate = new();
    private readonly RespChain _chain;
    private readonly Socket _bell = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly List<Socket> _waiting = [];
    private RespConnection[] _connections = [];
    private int _receiving;
    private long _looks;
    private bool _hasEnded;

    public RespPoller(TimeProvider time, DeadlineSweep sweep)
    {
        Completions = new RespCompletions(this, time, sweep);
        _chain = new RespChain(Completions);
        _bell.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _bell.Connect(_bell.LocalEndPoint!);
        _bell.Blocking = false;
        new Thread(Run, StackSize) { IsBackground = true, Name = "ShardedCache in" }.UnsafeStart();
    }

    public RespCompletions Completions { get; }

    /// <summary>How many replies are still to come.</summary>
    public int Awaited => CountAwaited(int.MaxValue);

    public bool IsAwaiting(int replies) => CountAwaited(replies) >= replies;

    public int Count => Volatile.Read(ref _connections).Length;

    /// <summary>How often <see cref="TryReceive"/> has looked.</summary>
    public long Looks => Volatile.Read(ref _looks);

    /// <summary>From now on the connection's replies are received here. False when it must be another poller's.</summary>
    public bool TryAdd(RespConnection connection)
    {
        lock (_gate)
        {
            if (_connections.Length >= MostConnections || _hasEnded)
            {
                return false;
            }

            Volatile.Write(ref _connections, [.. _connections, connection]);
            Ring();
        }

        return true;
    }

    public void End()
    {
        lock (_gate)
        {
            if (!_hasEnded)
            {
                _hasEnded = true;
                Ring();
            }
        }

        Completions.End();
    }

    /// <summary>Takes what has come and is awaited. False when nothing has, or another thread is about it.</summary>
    public bool TryReceive()
    {
        if (Volatile.Read(ref _receiving) != 0 || Interlocked.Exchange(ref _receiving, 1) != 0)
        {
            return false;
        }

        Volatile.Write(ref _looks, _looks + 1);
        var any = false;
        var hasEnded = false;
        foreach (var connection in Volatile.Read(ref _connections))
        {
            if (connection.Awaited > 0)
            {
                any |= connection.TryReceive(_chain, out var isOpen);
                hasEnded |= !isOpen;
            }
        }

        _chain.Flush();
        if (hasEnded)
        {
            RemoveEnded();
        }

        Volatile.Write(ref _receiving, 0);
        return any;
    }

    private void Ring() => _bell.Send([1], SocketFlags.None, out _);

    private void Run()
    {
        while (true)
        {
            if (IsAwaiting(Completions.WorthLookingFor))
            {
                Completions.WaitWhileServing(isPatient: true);
            }

            var connections = Volatile.Read(ref _connections);
            if (connections.Length == 0 && Volatile.Read(ref _hasEnded))
            {
                // Who ends it rings with the lock held, and may not have come to that yet.
                lock (_gate)
                {
                    _bell.Dispose();
                }

                return;
            }

            _waiting.Clear();
            _waiting.Add(_bell);
            foreach (var connection in connections)
            {
                _waiting.Add(connection.Socket);
            }

            try
            {
                Socket.Select(_waiting, null, null, Timeout.Infinite);
            }
            catch (Exception e) when (RespLink.IsLoss(e))
            {
                // One was closed before we could wait for it.
                _waiting.Clear();
            }

            while (Interlocked.Exchange(ref _receiving, 1) != 0)
            {
                WaitForReceiver();
            }

            Receive(connections);
            Volatile.Write(ref _receiving, 0);
        }
    }

    /// <param name="enough">Beyond this it need not be known: there may be many connections.</param>
    private int CountAwaited(int enough)
    {
        var awaited = 0;
        foreach (var connection in Volatile.Read(ref _connections))
        {
            awaited += connection.Awaited;
            if (awaited >= enough)
            {
                break;
            }
        }

        return awaited;
    }

    /// <summary>
    /// Until it is through, what it has not taken would end each wait at once. It rarely takes more than a few spins. One that takes long is
    /// waited for without any, but not by sleeping: nobody else sees what comes when it has gone.
    /// </summary>
    private void WaitForReceiver()
    {
        for (var wait = default(SpinWait); Volatile.Read(ref _receiving) != 0;)
        {
            if (wait.Count < MostSpins)
            {
                wait.SpinOnce(sleep1Threshold: -1);
            }
            else
            {
                Completions.WaitWhileServing(isPatient: false);
                Thread.Yield();
            }
        }
    }

    private void Receive(RespConnection[] connections)
    {
        var i = 0;
        var hasEnded = _waiting.Count == 0;
        if (!hasEnded && _waiting[0] == _bell)
        {
            i++;
            Span<byte> rings = stackalloc byte[16];
            _bell.Receive(rings, SocketFlags.None, out _);
        }

        // Those that are ready stand in the order in which they were asked for.
        foreach (var connection in connections)
        {
            if (i < _waiting.Count && _waiting[i] == connection.Socket)
            {
                i++;
                connection.TryReceive(_chain, out var isOpen);
                hasEnded |= !isOpen;
            }
        }

        _chain.Flush();
        if (hasEnded)
        {
            RemoveEnded();
        }
    }

    private void RemoveEnded()
    {
        lock (_gate)
        {
            var ended = _connections.Where(static connection => connection.Closed.IsCompleted).ToHashSet();
            foreach (var connection in ended)
            {
                connection.EndReceiving();
            }

            Volatile.Write(ref _connections, Array.FindAll(_connections, connection => !ended.Contains(connection)));
        }
    }
}
