using System.Globalization;
using ShardedCache.Connections;
using ShardedCache.Sharding;
using static ShardedCache.ConnectionStringKeys;

namespace ShardedCache;

/// <summary>One reading of one connection string: splits it into end points and keys, then takes them in turn.</summary>
internal sealed class ConnectionStringParser(string text)
{
    private readonly List<string> _endPoints = [];
    private readonly Dictionary<string, Given> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _faults = [];

    // Behind a password, what is not understood may be the rest of a password with a comma: it is never shown.
    private bool _behindPassword;
    private bool _hasUrl;

    public ConnectionString Parse()
    {
        Split();
        var usesSentinels = _values.ContainsKey(ConnectionStringKeys.Shards) || _values.ContainsKey(ServiceName);
        var sentinels = usesSentinels ? ReadSentinels() : [];
        var shards = usesSentinels ? ReadShardNames() : ReadFixedShards();
        var ssl = Read(Ssl, ReadBoolean) ?? false;
        return new ConnectionString
        {
            Sentinels = sentinels,
            Shards = shards,
            Credentials = new Credentials(Text(User), Text(Password)),
            SentinelCredentials = new Credentials(Text(SentinelUser), Text(SentinelPassword)),
            Ssl = ssl,
            SentinelSsl = Read(SentinelSsl, ReadBoolean) ?? ssl,
            SslHost = Text(SslHost),
            ClientName = Text(Name),
            InstanceName = Text(InstanceName),
            OperationTimeout = Read(OperationTimeout, OptionValues.ReadDuration),
            ConnectTimeout = Read(ConnectTimeout, OptionValues.ReadDuration),
            MaximumPayloadBytes = Read(MaximumPayloadBytes, OptionValues.ReadInt32),
            LocalTierSizeLimit = Read(LocalTierSizeLimit, OptionValues.ReadInt64),
            LocalTierMaxEntrySize = Read(LocalTierMaxEntrySize, OptionValues.ReadInt32),
            FailoverMode = Read(ConnectionStringKeys.FailoverMode, OptionValues.ReadName<FailoverMode>),
            Transport = Read(Transport, OptionValues.ReadName<ShardTransport>),
            MaxStaleness = Read(MaxStaleness, OptionValues.ReadDuration),
            JournalSizeLimit = Read(JournalSizeLimit, OptionValues.ReadInt64),
            Faults = _faults,
        };
    }

    private static (bool? Value, string Expected) ReadBoolean(string text) =>
        (bool.TryParse(text, out var value) ? value : null, "true or false");

    private void Split()
    {
        var position = 0;
        foreach (var range in text.AsSpan().Split(','))
        {
            position++;
            var part = text.AsSpan(range).Trim().ToString();
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (part.Length == 0)
            {
                continue;
            }

            if (LooksLikeUrl(equals < 0 ? part : part[..equals]))
            {
                _hasUrl = true;
                _behindPassword = true;
                _faults.Add(string.Create(CultureInfo.InvariantCulture,
                    $"part {position} looks like a URL; write host:port, and '{User}=' and '{Password}=' as parts of their own. It is not shown, because it may hold a password."));
            }
            else if (equals >= 0)
            {
                TakeKey(part[..equals].TrimEnd(), part[(equals + 1)..].TrimStart(), position);
            }
            else if (!_behindPassword)
            {
                _endPoints.Add(part);
            }
            else
            {
                _faults.Add(BehindPassword(position, "is an end point behind a password; put end points first"));
            }
        }
    }

    private static bool LooksLikeUrl(string text) => text.Contains("://", StringComparison.Ordinal) || text.Contains('@');

    private void TakeKey(string key, string value, int position)
    {
        if (!IsKnown(key))
        {
            _faults.Add(_behindPassword
                ? BehindPassword(position, "has an unknown key")
                : $"unknown key '{Shorten(key)}': {Hint(key)}");

            // A password behind a mistyped key is one, too.
            key = NearestName.Find(key, All) ?? key;
        }
        else if (!_values.TryAdd(key, new Given(value, !_behindPassword)))
        {
            _faults.Add($"'{KnownSpelling(key)}' is given twice; give it once.");
        }

        _behindPassword |= IsSecret(key);
    }

    private List<ServerAddress> ReadSentinels()
    {
        var sentinels = new List<ServerAddress>();
        foreach (var endPoint in _endPoints)
        {
            if (!ServerAddress.TryParse(endPoint, ConnectionString.DefaultSentinelPort, out var address))
            {
                _faults.Add(BadEndPoint(endPoint));
            }
            else if (sentinels.Contains(address))
            {
                _faults.Add($"Sentinel {address} is given twice; list each Sentinel once.");
            }
            else
            {
                sentinels.Add(address);
            }
        }

        if (_endPoints.Count == 0 && !_hasUrl)
        {
            _faults.Add($"no end point is given; list the Sentinels before '{ConnectionStringKeys.Shards}=', as host:{ConnectionString.DefaultSentinelPort}.");
        }

        return sentinels;
    }

    private List<ConfiguredShard> ReadShardNames()
    {
        if (_values.ContainsKey(ConnectionStringKeys.Shards) && _values.ContainsKey(ServiceName))
        {
            _faults.Add($"'{ConnectionStringKeys.Shards}' and '{ServiceName}' are both given; '{ServiceName}' is the one-shard form of '{ConnectionStringKeys.Shards}', so give one of them.");
        }

        var isAlias = !_values.TryGetValue(ConnectionStringKeys.Shards, out var list);
        list ??= _values[ServiceName];
        var shards = ShardList.Parse(list.Value, isAlias ? ServiceName : ConnectionStringKeys.Shards, list.Show, _faults);
        if (isAlias && shards.Count > 1)
        {
            _faults.Add($"'{ServiceName}' names one shard; use '{ConnectionStringKeys.Shards}' for several.");
        }

        return shards;
    }

    private List<ConfiguredShard> ReadFixedShards()
    {
        var shards = new List<ConfiguredShard>();
        foreach (var endPoint in _endPoints)
        {
            if (!ShardList.TrySplitWeight(endPoint, out var server, out var weight))
            {
                _faults.Add(ShardList.BadWeight(Shorten(endPoint)));
                continue;
            }

            if (!ServerAddress.TryParse(server, ConnectionString.DefaultRedisPort, out var address))
            {
                _faults.Add(BadEndPoint(endPoint));
                continue;
            }

            if (address.ToString().Length > ShardName.MaxLength)
            {
                _faults.Add($"'{Shorten(endPoint)}' is too long: a fixed end point names its shard, and a name has up to {ShardName.MaxLength} characters; "
                    + "give a shorter alias, or the address.");
                continue;
            }

            ShardList.Add(shards, new ConfiguredShard(address.ToString().ToLowerInvariant(), weight, address), Shorten, _faults);
        }

        if (_endPoints.Count == 0 && !_hasUrl)
        {
            _faults.Add($"no end point is given; give {Examples.Sentinels} for shards under Sentinel, or {Examples.Fixed} for fixed servers.");
        }

        return shards;
    }

    private string? Text(string key) => _values.TryGetValue(key, out var given) && given.Value.Length > 0 ? given.Value : null;

    private T? Read<T>(string key, Func<string, (T? Value, string Expected)> read)
        where T : struct
    {
        if (!_values.TryGetValue(key, out var given))
        {
            return null;
        }

        var (result, expected) = read(given.Value);
        if (result is null)
        {
            _faults.Add($"'{key}={given.Show(given.Value)}' is not a value for '{key}'; give {expected}.");
        }

        return result;
    }

    private static string BadEndPoint(string endPoint) =>
        $"'{WithoutSecret(endPoint)}' is not an end point; give host, host:port or [IPv6]:port, and settings as key=value.";

    // What follows a colon or a blank is shown only as a port: it may be the password of a 'password:…' or 'password …'.
    private static string WithoutSecret(string endPoint)
    {
        var end = endPoint.AsSpan().IndexOfAny(": \t");
        return end < 0 || !endPoint.AsSpan(end + 1).ContainsAnyExceptInRange('0', '9') ? Shorten(endPoint) : Shorten(endPoint[..end]) + "…";
    }

    private static string BehindPassword(int position, string what) => string.Create(
        CultureInfo.InvariantCulture,
        $"part {position} {what}. It is not shown, because it may belong to the password: a password with a comma can't stand in a connection string, give it through {nameof(ShardedRedisCacheOptions.CredentialsProvider)}.");

    private static string KnownSpelling(string key) => All.First(known => known.Equals(key, StringComparison.OrdinalIgnoreCase));

    private static string Shorten(string part) => part.Length <= 80 ? part : part[..80] + "…";

    private sealed record Given(string Value, bool MayShow)
    {
        public string Show(string part) => MayShow ? Shorten(part) : "…";
    }

    private static class Examples
    {
        public const string Sentinels = "'10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379,shards=shard-{0..7}'";
        public const string Fixed = "'10.0.0.1:6379,10.0.0.2:6379'";
    }
}
