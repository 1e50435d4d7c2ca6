using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using ShardedCache.Testing.Processes;
using ShardedCache.Testing.Resp;

namespace ShardedCache.Testing;

/// <summary>
/// One redis-server or Sentinel of a farm. Its address and directory stay the same over kills and restarts; nothing restarts it but
/// <see cref="StartAsync"/>. All members may be called by any thread.
/// </summary>
public sealed class RedisProcess
{
    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartTimeout = Poll.DefaultTimeout;
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly FarmContext _farm;
    private readonly RespAccess _access;
    private Process? _process;

    internal RedisProcess(FarmContext farm, string name, int port, bool isSentinel)
    {
        _farm = farm;
        Name = name;
        Port = port;
        IsSentinel = isSentinel;
        _access = isSentinel ? farm.SentinelAccess : farm.ServerAccess;
        Directory = Path.Combine(farm.Directory, name);
        System.IO.Directory.CreateDirectory(Directory);
    }

    /// <summary>Name within the farm, such as <c>shard-0.1</c> (the second server of shard-0) or <c>sentinel-2</c>.</summary>
    public string Name { get; }

    /// <summary>True for a Sentinel, false for a server.</summary>
    public bool IsSentinel { get; }

    /// <summary>The IP address it listens on.</summary>
    public string Host => _farm.Options.BindAddress;

    /// <summary>The port it listens on; the same for the farm's whole life.</summary>
    public int Port { get; }

    /// <summary>Address and port, for clients that take an end point.</summary>
    public IPEndPoint EndPoint => new(IPAddress.Parse(Host), Port);

    /// <summary>Id of the operating system's process, of the last one when it does not run.</summary>
    public int ProcessId { get; private set; }

    /// <summary>Whether the process exists; a paused one does.</summary>
    public bool IsRunning
    {
        get
        {
            lock (_gate)
            {
                return _process is { HasExited: false };
            }
        }
    }

    /// <summary>Its working directory, which holds its data files.</summary>
    public string Directory { get; }

    /// <summary>The file with its output, of all its runs.</summary>
    public string LogPath => Path.Combine(Directory, "redis.log");

    internal string ConfigurationPath => Path.Combine(Directory, IsSentinel ? "sentinel.conf" : "redis.conf");

    /// <summary>Ends the process at once (SIGKILL), whether it runs or is paused, and returns when it is gone. No effect when it is not running.</summary>
    public void Kill()
    {
        lock (_gate)
        {
            _process?.Kill();
            _process?.WaitForExit();
        }
    }

    /// <summary>
    /// Stops the process where it is (SIGSTOP): its connections stay open, the system still accepts new ones, and nothing is answered.
    /// </summary>
    /// <exception cref="RedisFarmException">It is not running.</exception>
    public void Pause()
    {
        lock (_gate)
        {
            Signals.SendStop(RunningId());
        }
    }

    /// <summary>Lets a paused process go on (SIGCONT); no effect on one that is not paused.</summary>
    /// <exception cref="RedisFarmException">It is not running.</exception>
    public void Resume()
    {
        lock (_gate)
        {
            Signals.SendContinue(RunningId());
        }
    }

    /// <summary>
    /// Starts the process, for the first time or again, at the same address and in the same directory: with whatever data and
    /// configuration it left there (Sentinels rewrite both their own and the servers'). Returns when it has loaded its data and answers.
    /// </summary>
    /// <exception cref="RedisFarmException">It runs already, ended by itself, or did not answer in time (30 s); with the end of its log.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        Process process;
        lock (_gate)
        {
            if (_process is { HasExited: false })
            {
                throw new RedisFarmException($"{this} is running already.");
            }

            _process = process = _farm.Watchdog.Launch(Directory, LogPath, _farm.Executables.Command(IsSentinel, ConfigurationPath));
            ProcessId = process.Id;
        }

        await Poll.UntilAsync(
            async token => !IsRunning ? null : await MissingForReadinessAsync(process.Id, token).ConfigureAwait(false),
            $"{this} to answer",
            StartTimeout,
            LogTail,
            cancellationToken).ConfigureAwait(false);
        if (!IsRunning)
        {
            throw new RedisFarmException($"{this} ended while it started.{LogTail()}");
        }
    }

    /// <summary>
    /// Ends the process in an orderly way (SIGTERM), resuming it first if it is paused, and returns when it is gone. No effect when it is
    /// not running.
    /// </summary>
    /// <exception cref="RedisFarmException">It did not end within 20 s; with the end of its log.</exception>
    public async Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_process is not { HasExited: false })
            {
                return;
            }

            Signals.SendTerm(_process.Id);
            Signals.SendContinue(_process.Id);
        }

        await Poll.UntilAsync(
            _ => Task.FromResult(IsRunning ? "it still runs." : null), $"{this} to end", StopTimeout, LogTail, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>
    /// Deletes what the process would load at its next start (<c>dump.rdb</c> and the append-only files), as if its disk had been lost.
    /// </summary>
    /// <exception cref="RedisFarmException">It is running.</exception>
    public void EraseData()
    {
        lock (_gate)
        {
            if (IsRunning)
            {
                throw new RedisFarmException($"{this} is running; stop or kill it before its data are erased.");
            }

            File.Delete(Path.Combine(Directory, "dump.rdb"));
            if (System.IO.Directory.Exists(Path.Combine(Directory, "appendonlydir")))
            {
                System.IO.Directory.Delete(Path.Combine(Directory, "appendonlydir"), recursive: true);
            }
        }
    }

    /// <summary>
    /// Sends one command over a connection of its own, as a user who may do everything, and returns the reply as text, as redis-cli does:
    /// an array's items each on its own line, nil as the empty string.
    /// </summary>
    /// <param name="command">Name and arguments, such as <c>"CONFIG", "SET", "maxmemory", "1mb"</c>.</param>
    /// <exception cref="RedisFarmException">
    /// Redis replied with an error (then its text and <see cref="RedisFarmException.Code"/>), could not be reached, or did not answer within 5 s.
    /// </exception>
    public Task<string> ExecuteAsync(params string[] command) => ExecuteAsync(command, CancellationToken.None);

    /// <inheritdoc cref="ExecuteAsync(string[])"/>
    /// <param name="command">Name and arguments.</param>
    /// <param name="cancellationToken">Ends the wait for the reply.</param>
    public async Task<string> ExecuteAsync(IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentOutOfRangeException.ThrowIfZero(command.Count, nameof(command));
        return (await SendAsync(RespClient.Encode(command), CommandTimeout, cancellationToken).ConfigureAwait(false)).Text;
    }

    /// <summary>Reads the raw bytes of a string key; null where there is none.</summary>
    /// <exception cref="RedisFarmException">As <see cref="ExecuteAsync(string[])"/>.</exception>
    public async Task<byte[]?> GetBytesAsync(string key, CancellationToken cancellationToken = default) =>
        (await SendAsync(RespClient.Encode(["GET", key]), CommandTimeout, cancellationToken).ConfigureAwait(false)).Bytes;

    /// <summary>Stores raw bytes as a string key, without expiration.</summary>
    /// <exception cref="RedisFarmException">As <see cref="ExecuteAsync(string[])"/>.</exception>
    public async Task SetBytesAsync(string key, ReadOnlyMemory<byte> value, CancellationToken cancellationToken = default) =>
        await SendAsync([.. RespClient.Encode(["SET", key]), value.ToArray()], CommandTimeout, cancellationToken).ConfigureAwait(false);

    /// <summary>Name and end point.</summary>
    public override string ToString() => $"{Name} ({EndPoint})";

    internal Task<RespValue> AskAsync(TimeSpan timeout, CancellationToken cancellationToken, params string[] command) =>
        SendAsync(RespClient.Encode(command), timeout, cancellationToken);

    internal string LogTail()
    {
        const int lines = 15;
        var tail = File.Exists(LogPath) ? File.ReadLines(LogPath).TakeLast(lines) : [];
        return $"{Environment.NewLine}The end of {LogPath}:{Environment.NewLine}{string.Join(Environment.NewLine, tail)}";
    }

    /// <summary>It ended because another process was faster to take its port.</summary>
    internal bool LostItsPort() => !IsRunning && !Ports.IsFree(Host, Port);

    private async Task<RespValue> SendAsync(IReadOnlyList<byte[]> command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var timer = new CancellationTokenSource(timeout, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellationToken);
        try
        {
            var client = await RespClient.ConnectAsync(EndPoint, _access, either.Token).ConfigureAwait(false);
            await using (client.ConfigureAwait(false))
            {
                var reply = await client.SendAsync(command, either.Token).ConfigureAwait(false);
                return reply.IsError ? throw RedisFarmException.ForErrorReply(reply.Text) : reply;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new RedisFarmException($"{this} did not answer within {timeout.TotalSeconds:0.###} s.");
        }
        catch (Exception e) when (e is SocketException or IOException or AuthenticationException)
        {
            throw new RedisFarmException($"{this} could not be asked: {e.Message}", e);
        }
    }

    // The process id tells this server from a foreign one that was faster to take the port.
    private async Task<string?> MissingForReadinessAsync(int processId, CancellationToken cancellationToken)
    {
        try
        {
            var info = (await AskAsync(CommandTimeout, cancellationToken, "INFO").ConfigureAwait(false)).Text;
            var lines = info.Split("\r\n");
            return !lines.Contains($"process_id:{processId}") ? "another process answers."
                : lines.Contains("loading:1") ? "it still loads its data." : null;
        }
        catch (RedisFarmException e)
        {
            return e.Message;
        }
    }

    private int RunningId() => _process is { HasExited: false } running
        ? running.Id
        : throw new RedisFarmException($"{this} is not running.{LogTail()}");
}
