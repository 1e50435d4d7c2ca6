namespace ShardedCache.Testing.Tests;

public class KilledMasterTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;


}
