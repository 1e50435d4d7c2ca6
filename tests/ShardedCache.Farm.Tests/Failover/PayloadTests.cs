using ShardedCache.LoadLab.History;
using ShardedCache.LoadLab.Workers;

namespace ShardedCache.Farm.Tests.Failover;

public sealed class PayloadTests
{
    [Fact]
    public void A_payload_tells_whose_it_is_and_a_single_wrong_byte_is_seen()
    {
        var lengths = new List<int>();
        for (var sequence = 1; sequence <= 3000; sequence++)
        {
            var value = new ValueId(1, sequence);
            var bytes = Payload.Create(value, key: 77);
            lengths.Add(bytes.Length);

            Assert.Equal(value, Payload.Identify(bytes, key: 77));
            Assert.Null(Payload.Identify(bytes, key: 78));
            Assert.Null(Payload.Identify(bytes.AsSpan(0, bytes.Length - 1), key: 77));
            bytes[sequence % bytes.Length] ^= 1;
            Assert.NotEqual(value, Payload.Identify(bytes, key: 77));
        }

        Assert.InRange(lengths.Min(), 10, 20);
        Assert.InRange(lengths.Count(static length => length > 8192), 1, 10);
        Assert.InRange(lengths.Max(), 60_000, Payload.Longest);
    }
}
