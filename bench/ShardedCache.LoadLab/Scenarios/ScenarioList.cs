namespace ShardedCache.LoadLab.Scenarios;

/// <summary>All scenarios, by name.</summary>
internal static class ScenarioList
{
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new MasterKill(),
        new MachineKill(),
        new MasterThenNewMaster(),
        new MasterAndReplica(),
        new EmptyMaster(),
        new MasterPaused(3),
        new MasterPaused(8),
        new MasterPaused(12),
        new PlannedFailover(),
        new ReplicaLag(),
        new CutClientMaster(),
        new CutClientAll(),
        new TwoClientsOneCut(),
        new ClientPause(),
        new DebugSleep(),
        new BusyScript(),
        new Loading(),
        new MasterDown(),
        new ReadOnly(),
        new OutOfMemory(),
        new Misconf(),
        new MaxClients(),
        new AclDelUser(),
        new FlushAll(),
        new SentinelsDown(1),
        new SentinelsDown(2),
        new SentinelsDown(3),
        new StartWithShardDown(),
        new StartWithEverythingDown(),
        new Flapping(),
        new Storm(),
        new ClientStopped("client-stopped-5s", 5),
        new ClientStopped("client-stopped-long", 130),
    ];
}
