using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using ShardedCache.Connections;

namespace ShardedCache.Sentinels;

/// <summary>
/// The masters of a farm as its Sentinels name them. Each Sentinel is watched by itself; with each answer the agreement
/// of every shard is taken anew and, where it changed, published.
/// </summary>
internal sealed class SentinelMasters : IMasterSource
{
    private readonly Lock _lock = new();
    private readonly IReadOnlyList<string> _shards;
    private readonly IReadOnlyList<ServerAddress> _configured;
    private readonly SentinelWatch _watch;
    private readonly SentinelListener _listener;
    private readonly MasterBoard _board;
    private readonly FrozenDictionary<string, Trouble> _troubles;
    private readonly MasterNotices _notices;
    private readonly Dictionary<string, MasterAgreement> _agreements;
    private readonly Dictionary<ServerAddress, SentinelReport> _reports = [];
    private readonly List<Task> _stopping = [];
    private readonly long _epoch;
    private volatile IReadOnlyDictionary<ServerAddress, SentinelWatcher> _watchers = new Dictionary<ServerAddress, SentinelWatcher>();
    private IReadOnlyList<ServerAddress> _roster;
    private TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isStarted;
    private bool _isDisposed;

    /// <summary>Does nothing before <see cref="Start"/>.</summary>
    /// <param name="connector">Not owned.</param>
    /// <param name="sentinels">The configured ones; others are learned from them.</param>
    /// <param name="settings">For connections to Sentinels, with the Sentinels' credentials and TLS.</param>
    /// <param name="shards">The masters' names.</param>
    /// <param name="time">Of all pauses and waits.</param>
    /// <param name="logger">Gets events 200 to 299.</param>
    /// <param name="timings">Null: the defaults.</param>
    public SentinelMasters(
        IServerConnector connector,
        IReadOnlyList<ServerAddress> sentinels,
        ConnectionSettings settings,
        IReadOnlyList<string> shards,
        TimeProvider time,
        ILogger logger,
        SentinelTimings? timings = null)
    {
        _shards = shards;
        _configured = _roster = [.. sentinels.Distinct()];
        _watch = new(connector, settings with { Kind = ServerKind.Sentinel }, shards, timings ?? SentinelTimings.Default, time, logger);
        _listener = new(shards.ToHashSet(StringComparer.Ordinal), OnHint);
        _troubles = shards.ToFrozenDictionary(static shard => shard, _ => new Trouble(time, _watch.Timings.Trouble), StringComparer.Ordinal);
        _board = new(shards);
        _notices = new(logger);
        _agreements = shards.ToDictionary(static shard => shard, _ => new MasterAgreement(_watch.Timings.Reversal), StringComparer.Ordinal);
        _epoch = time.GetTimestamp();
    }

    public void Start()
    {
        lock (_lock)
        {
            if (_isStarted || _isDisposed)
            {
                return;
            }

            _isStarted = true;
            WatchRoster();
        }
    }

    public MasterSnapshot Current(string shard) => _board.Current(shard);

    public Task<MasterSnapshot> WaitForChangeAsync(string shard, long afterVersion, CancellationToken cancellationToken) =>
        _board.WaitForChangeAsync(shard, afterVersion, cancellationToken);

    public void RequestRefresh(string shard)
    {
        _ = Current(shard);

        // Further requests of a shard in trouble are answered by the polling, which is frequent then: a whole machine that is
        // down must not make each client ask without a pause.
        if (_troubles[shard].Sign())
        {
            AskNow();
        }
    }

    public async Task AskAnewAsync(CancellationToken cancellationToken)
    {
        var since = _watch.Time.GetTimestamp();
        AskNow();
        while (true)
        {
            Task heard;
            lock (_lock)
            {
                if (MasterAnswers.HaveAnswered(_roster, _reports, since))
                {
                    return;
                }

                heard = _heard.Task;
            }

            await heard.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public void ReportRole(string shard, ServerAddress address, ServerRole role)
    {
        _ = Current(shard);
        lock (_lock)
        {
            _agreements[shard] = _agreements[shard].WithRole(address, role);
            Agree(shard);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] stopping;
        lock (_lock)
        {
            _isDisposed = true;
            _stopping.AddRange(_watchers.Values.Select(static watcher => watcher.StopAsync()));
            _watchers = new Dictionary<ServerAddress, SentinelWatcher>();
            stopping = [.. _stopping];
        }

        await Task.WhenAll(stopping).ConfigureAwait(false);
        _board.Dispose();
    }

    private void OnHint(string shard)
    {
        _troubles[shard].Sign();
        AskNow();
    }

    private void AskNow()
    {
        foreach (var watcher in _watchers.Values)
        {
            watcher.AskNow();
        }
    }

    private bool IsInTrouble() => _shards.Any(shard => _troubles[shard].IsOn || _board.Current(shard).IsSubjectivelyDown);

    private void OnReport(SentinelReport report)
    {
        lock (_lock)
        {
            if (_isDisposed || !_watchers.ContainsKey(report.Sentinel))
            {
                return;
            }

            // A Sentinel that does not answer keeps the identity under which it may answer elsewhere.
            var before = _reports.GetValueOrDefault(report.Sentinel);
            _notices.OnReport(report, before);
            _reports[report.Sentinel] = report with { Id = report.Id ?? before?.Id };
            var roster = SentinelRoster.Next(_configured, _roster, _reports);
            if (!roster.SequenceEqual(_roster))
            {
                _notices.OnRoster(_roster, roster);
                _roster = roster;
                WatchRoster();
            }

            foreach (var shard in _shards)
            {
                Agree(shard);
            }

            _heard.SetResult();
            _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Starts and stops watchers until they are those of the roster.</summary>
    private void WatchRoster()
    {
        var watchers = new Dictionary<ServerAddress, SentinelWatcher>();
        foreach (var address in _roster)
        {
            watchers[address] = _watchers.GetValueOrDefault(address) ?? new SentinelWatcher(address, _watch, _listener, IsInTrouble, OnReport);
        }

        var before = _watchers;
        _watchers = watchers;
        foreach (var (address, watcher) in before)
        {
            if (!watchers.ContainsKey(address))
            {
                _reports.Remove(address);
                _stopping.RemoveAll(static task => task.IsCompleted);
                _stopping.Add(watcher.StopAsync());
            }
        }

        foreach (var (address, watcher) in watchers)
        {
            if (!before.ContainsKey(address))
            {
                watcher.Start();
            }
        }
    }

    private void Agree(string shard)
    {
        var before = _agreements[shard];
        var answers = MasterAnswers.Of(shard, _roster, _reports);
        var agreement = before.Next(answers.Claims, answers.Sentinels, _watch.Time.GetElapsedTime(_epoch));
        _agreements[shard] = agreement;
        var known = _board.Current(shard);
        if (_board.Publish(shard, answers.ToSnapshot(shard, agreement, known)))
        {
            _notices.OnSnapshot(shard, known, _board.Current(shard), agreement.IsReversed);
        }
    }
}
