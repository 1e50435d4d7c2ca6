using System.Globalization;
using System.Text.Json;
using ShardedCache.LoadLab.Scenarios;

namespace ShardedCache.LoadLab.Failover;

/// <summary>The command line of the chaos lab.</summary>
internal static class FailoverCommand
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["--list"])
        {
            foreach (var scenario in ScenarioList.All)
            {
                Console.WriteLine($"{scenario.Name,-24} {scenario.Summary}");
            }

            return 0;
        }

        string? name = null;
        string? json = null;
        var runs = 1;
        var settings = new RunSettings { StrictLatency = true };
        for (var i = 0; i < arguments.Length; i++)
        {
            string Value() => ++i < arguments.Length ? arguments[i] : throw new LabException($"{arguments[i - 1]} needs a value.");
            switch (arguments[i])
            {
                case "--scenario":
                    name = Value();
                    break;
                case "--json":
                    json = Value();
                    break;
                case "--seconds":
                    settings = settings with { Seconds = double.Parse(Value(), CultureInfo.InvariantCulture) };
                    break;
                case "--mode":
                    settings = settings with { Mode = Enum.Parse<FailoverMode>(Value(), ignoreCase: true).ToString() };
                    break;
                case "--transport":
                    settings = settings with { Transport = Enum.Parse<ShardTransport>(Value(), ignoreCase: true).ToString() };
                    break;
                case "--rate":
                    settings = settings with { Rate = Value() is var rate && rate == "auto" ? RunSettings.AutomaticRate : int.Parse(rate, CultureInfo.InvariantCulture) };
                    break;
                case "--seed":
                    settings = settings with { Seed = int.Parse(Value(), CultureInfo.InvariantCulture) };
                    break;
                case "--runs":
                    runs = int.Parse(Value(), CultureInfo.InvariantCulture);
                    break;
                case "--report-latency":
                    settings = settings with { StrictLatency = false };
                    break;
                case "--strict-latency":
                    settings = settings with { StrictLatency = true };
                    break;
                default:
                    Console.Error.WriteLine($"unknown argument: {arguments[i]}");
                    return 2;
            }
        }

        if (name is null)
        {
            Console.Error.WriteLine("--scenario NAME is missing");
            return 2;
        }

        var names = name == "all" ? [.. ScenarioList.All.Select(static scenario => scenario.Name)] : name.Split(',');
        if (Array.Find(names, static name => ScenarioList.All.All(scenario => scenario.Name != name)) is { } unknown)
        {
            Console.Error.WriteLine($"no scenario \"{unknown}\"; --list names them");
            return 2;
        }

        Scenario[] scenarios = [.. names.Select(static name => ScenarioList.All.First(scenario => scenario.Name == name))];

        var reports = new List<ScenarioReport>();
        foreach (var scenario in scenarios)
        {
            Console.WriteLine($"{scenario.Name}: {scenario.Summary}");
            for (var run = 0; run < runs; run++)
            {
                reports.Add(await ReportAsync(scenario, settings with { Seed = settings.Seed + run }));
                if (run == runs - 1 && settings.StrictLatency)
                {
                    reports[^1] = Gates.OfAllRuns(reports[^runs..]);
                }

                Summary.Print(Console.Out, reports[^1]);
            }

            if (json is not null)
            {
                await File.WriteAllTextAsync(json, names.Length * runs > 1
                    ? JsonSerializer.Serialize(reports, ScenarioReport.Json)
                    : JsonSerializer.Serialize(reports[0], ScenarioReport.Json));
            }
        }

        return reports.TrueForAll(static report => report.Holds) ? 0 : 1;
    }

    private static async Task<ScenarioReport> ReportAsync(Scenario scenario, RunSettings settings)
    {
        try
        {
            return await ScenarioRunner.RunAsync(scenario, settings);
        }
        catch (Exception e) when (e is LabException or Testing.RedisFarmException)
        {
            return new ScenarioReport { Scenario = scenario.Name, Failures = [$"the lab could not go on: {e.Message}"] };
        }
    }
}
