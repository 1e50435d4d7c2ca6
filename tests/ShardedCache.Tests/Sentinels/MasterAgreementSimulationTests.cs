using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

/// <summary>Promotions that each Sentinel learns of when it likes, answers that come or do not, and servers that call themselves anything.</summary>
public class MasterAgreementSimulationTests
{
    private static readonly ServerAddress[] Servers = [.. Enumerable.Range(1, 3).Select(static i => new ServerAddress($"10.0.0.{i}", 6379))];

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void The_agreed_master_is_always_that_of_the_newest_promotion_that_any_Sentinel_told(int sentinels)
    {
        for (var seed = 0; seed < 500; seed++)
        {
            Run(new Random(seed), sentinels, $"seed {seed}");
        }
    }

    private static void Run(Random random, int sentinels, string seed)
    {
        List<(ServerAddress Master, long Epoch)> promotions = [(Servers[0], 0)];
        var known = new int[sentinels];
        var newestTold = -1;
        var agreement = new MasterAgreement(TimeSpan.FromSeconds(10));
        for (var step = 0; step < 60; step++)
        {
            var sentinel = random.Next(sentinels);
            switch (random.Next(4))
            {
                case 0:
                    var (master, epoch) = promotions[^1];
                    promotions.Add((Other(random, master), epoch + random.Next(1, 3)));
                    known[sentinel] = promotions.Count - 1;
                    break;
                case 1:
                    known[sentinel] = random.Next(known[sentinel], promotions.Count);
                    break;
                case 2:
                    agreement = agreement.WithRole(Servers[random.Next(Servers.Length)], (ServerRole)random.Next(2));
                    break;
            }

            int[] answering = [.. Enumerable.Range(0, sentinels).Where(_ => random.Next(3) > 0)];
            newestTold = answering.Select(answers => known[answers]).Append(newestTold).Max();
            var claims = answering.Select(answers => new MasterClaim($"s{answers}", promotions[known[answers]].Master, promotions[known[answers]].Epoch));
            agreement = agreement.Next(claims, sentinels, TimeSpan.FromMilliseconds(step * 100));

            if (newestTold >= 0)
            {
                Assert.True(promotions[newestTold] == (agreement.Master!, agreement.Epoch), $"{seed}, step {step}");
            }
        }
    }

    private static ServerAddress Other(Random random, ServerAddress master)
    {
        ServerAddress[] others = [.. Servers.Where(server => server != master)];
        return others[random.Next(others.Length)];
    }
}
