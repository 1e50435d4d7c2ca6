using ShardedCache.Connections;
using ShardedCache.Sentinels;

namespace ShardedCache.Tests.Sentinels;

public class FixedMastersTests
{
    private static readonly ServerAddress Address = new("10.0.0.1", 6379);

    private readonly FixedMasters _masters = new(new Dictionary<string, ServerAddress> { ["10.0.0.1:6379"] = Address });

    [Fact]
    public void The_end_point_is_the_master_without_being_asked()
    {
        var snapshot = _masters.Current("10.0.0.1:6379");

        Assert.Equal(Address, snapshot.Master);
        Assert.Null(snapshot.Fault);
        Assert.Equal(1, snapshot.Version);
    }

    [Fact]
    public void Nothing_that_a_connection_reports_changes_it()
    {
        var before = _masters.Current("10.0.0.1:6379");

        _masters.Start();
        _masters.ReportRole("10.0.0.1:6379", Address, ServerRole.Replica);
        _masters.RequestRefresh("10.0.0.1:6379");

        Assert.Same(before, _masters.Current("10.0.0.1:6379"));
    }

    [Fact]
    public async Task Who_waits_for_a_change_waits_until_the_source_is_disposed()
    {
        var change = _masters.WaitForChangeAsync("10.0.0.1:6379", 1, TestContext.Current.CancellationToken);
        Assert.False(change.IsCompleted);

        await _masters.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => change);
    }
}
