using Microsoft.Extensions.Time.Testing;
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
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Sessions_that_this_instance_knows_do_not_make_the_others_available_again()
    {
        var availability = new SessionAvailability(_log, _time);
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
    public void That_it_has_become_worse_is_said_once()
    {
        var availability = new SessionAvailability(_log, _time);
        for (var i = 0; i < 3; i++)
        {
            availability.Report(Unknown);
            availability.Report(Unknown with { TakesChanges = false });
        }

        Assert.Equal((1, 1), (_log.Messages(510).Count(), _log.Messages(511).Count()));
    }

    [Fact]
    public void An_error_of_no_shard_which_each_request_may_meet_is_said_once_a_minute()
    {
        var availability = new SessionAvailability(_log, _time);
        for (var i = 0; i < 179; i++)
        {
            availability.Failed(new InvalidOperationException());
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, _log.Messages(511).Count());
    }
}
