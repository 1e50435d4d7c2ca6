using ShardedCache.LoadLab.Failover;
using ShardedCache.LoadLab.History;
using ShardedCache.Testing;

namespace ShardedCache.LoadLab.Scenarios;

/// <summary>A configuration error must be loud: callers get an exception while it lasts, and the shard works again afterwards.</summary>
internal sealed class AclDelUser() : Scenario("acl-deluser", "the application's user is deleted on one shard under load, and created again after 2 s")
{
    private const string User = "app";
    private const string Password = "lab-password";

    /// <summary>So long after the user is back errors may go on: a shard that is misconfigured is not asked all the time.</summary>
    private static readonly long Patience = Ticks.Of(5000);

    public override Promises Promises { get; } = new() { GapCounts = false };

    public override void Configure(RedisFarmOptions options) => (options.User, options.Password) = (User, Password);

    public override async Task BreakAsync(ScenarioRun run)
    {
        run.Breaking(run.Shard);
        foreach (var server in run.Shard.Servers)
        {
            run.Require(await server.ExecuteAsync("ACL", "DELUSER", User) == "1", "the user was deleted");
        }

        await run.Pass(2);
        foreach (var server in run.Shard.Servers)
        {
            await server.ExecuteAsync("ACL", "SETUSER", User, "on", $">{Password}", "~*", "&*", "+@all");
        }

        run.AllowUnavailable(run.Shard, run.Moments[0], Ticks.Now + Patience);
    }
}
