using ShardedCache.Connections;
using ShardedCache.Connections.StackExchangeRedis;
using ShardedCache.Contract.Connections;

namespace ShardedCache.Farm.Tests.Connections;

public sealed class StackExchangeEntryCommandsTests(ServerFixture fixture) : EntryCommandsContract(fixture)
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}

public sealed class StackExchangeDeadlineTests(ServerFixture fixture) : DeadlineContract(fixture)
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}

public sealed class StackExchangeLifeTests(ServerFixture fixture) : LifeContract(fixture)
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}

public sealed class StackExchangeHandshakeTests(ServerFixture fixture) : HandshakeContract(fixture)
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}

public sealed class StackExchangeHostTests(ServerFixture fixture) : HostContract(fixture)
{
    internal override IServerConnector CreateConnector(HostLookup lookup) => new StackExchangeConnector(TimeProvider.System, lookup: lookup);
}

public sealed class StackExchangeHalfOpenTests : HalfOpenContract
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}

public sealed class StackExchangeChaosTests(ServerFixture fixture) : ChaosContract(fixture)
{
    internal override IServerConnector CreateConnector() => new StackExchangeConnector(TimeProvider.System);
}
