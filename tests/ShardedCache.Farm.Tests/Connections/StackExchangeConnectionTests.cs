using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Contract.Connections;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class StackExchangeEntryCommandsTests(ServerFixture fixture) : EntryCommandsContract(fixture)
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}
