using ShardedCache.AspNetCore.Session;
using ShardedCache.Entries;
using ShardedCache.Shards;

namespace ShardedCache.AspNetCore.Tests.Session;

/// <summary>What is logged of a shard's sessions that are not available.</summary>
public sealed class SessionAvailabilityTests
{
    private static readonly SessionLoad Unknown = new(null, IsAvailable: false, TakesChanges: true, "shard-0");
    private static readonly SessionLoad FromCopy = new(SessionState.Empty, IsAvailable: true, TakesChanges: true, "shard-0");

    private readonly RecordedLog _log = new();

    [Fact]
    public void Sessions_that_this_instance_knows_do_not_make_the_others_available_again()
    {
        var availability = new SessionAvailability(_log);
        for (var i = 0; i < 20; i++)
        {
            availability.Report(Unknown);
            availability.Report(FromCopy);
        }

        Assert.Equal((1, 0), (_log.Messages(510).Count(), _log.Messages(512).Count()));

        availability.Report(FromCopy with { IsFromMaster = true });
        Assert.Equal((1, 1), (_log.Messages(510).Count(), _log.Messages(512).Count()));
    }

    [Fact]
    public void That_it_has_become_worse_is_said_once_and_an_error_of_no_shard_each_time()
    {
        var availability = new SessionAvailability(_log);
        for (var i = 0; i < 3; i++)
        {
            availability.Report(Unknown);
            availability.Report(Unknown with { TakesChanges = false });
        }

        Assert.Equal((1, 1), (_log.Messages(510).Count(), _log.Messages(511).Count()));

        availability.Failed(new InvalidOperationException());
        availability.Failed(new InvalidOperationException());
        Assert.Equal(3, _log.Messages(511).Count());
    }
}
