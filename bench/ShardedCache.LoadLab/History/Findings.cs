namespace ShardedCache.LoadLab.History;

/// <summary>What a checker has found: each kind is counted, and the first ones are told.</summary>
internal sealed class Findings
{
    public const int Examples = 20;

    private const int KeysOfEach = 3;

    private readonly HashSet<object> _seen = [];

    /// <summary>Acknowledged sets that nothing has replaced and that are not readable at the end.</summary>
    public Finding Lost { get; } = new();

    /// <summary>The same on a shard of which no copy was left: nobody could have kept them.</summary>
    public Finding Unavoidable { get; } = new();

    /// <summary>Removed or expired values that were read afterwards.</summary>
    public Finding Resurrected { get; } = new();

    /// <summary>Values that were read by a process which already knew a later one.</summary>
    public Finding Stale { get; } = new();

    /// <summary>Reads that missed in a process which had itself set or read the value that must have been there.</summary>
    public Finding Missed { get; } = new();

    /// <summary>Reads of bytes that nobody wrote under the key.</summary>
    public Finding Wrong { get; } = new();

    /// <summary>Reads of keys that exist beyond doubt, for the measure of gaps.</summary>
    public List<Operation> ReadsOfExisting { get; } = [];

    /// <summary>The first keys with which something is wrong: their histories are worth reading.</summary>
    public IEnumerable<int> Keys => new[] { Lost, Resurrected, Stale, Missed, Wrong }.SelectMany(static finding => finding.Keys.Take(KeysOfEach)).Distinct();

    /// <summary>Counts one thing once, however many readers find it.</summary>
    public bool IsNew(object thing) => _seen.Add(thing);

    internal sealed class Finding
    {
        private readonly List<string> _examples = [];
        private readonly HashSet<int> _keys = [];

        public int Count { get; private set; }

        public IReadOnlyList<string> Examples => _examples;

        public IReadOnlySet<int> Keys => _keys;

        public void Add(int key, string example)
        {
            Count++;
            _keys.Add(key);
            if (_examples.Count < Findings.Examples)
            {
                _examples.Add(example);
            }
        }
    }
}
