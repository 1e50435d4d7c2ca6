using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using ShardedCache.Registration;
using ShardedCache.Tests.Architecture;

namespace ShardedCache.Tests.Documentation;

/// <summary>What <c>docs/configuration.md</c> shows is true.</summary>
public class ConfigurationPageTests
{
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "configuration.md"));

    [Fact]
    public void Every_connection_string_is_valid()
    {
        var strings = Blocks("text").SelectMany(block => block.Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToList();

        Assert.NotEmpty(strings);
        Assert.All(strings, text => Assert.Empty(ConnectionString.Parse(text).Faults));
    }

    [Fact]
    public void Every_configuration_file_is_valid()
    {
        var files = Blocks("json").ToList();

        Assert.NotEmpty(files);
        Assert.All(files, file =>
        {
            using var services = new ServiceCollection()
                .AddSingleton<IConfiguration>(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(file))).Build())
                .AddShardedRedisCache()
                .BuildServiceProvider();
            Assert.NotNull(Registration.RegistrationTests.Options(services).Configuration);
        });
    }

    [Fact]
    public void Every_piece_of_code_is_compiled()
    {
        var compiled = Repository.Files("tests/ShardedCache.Tests/Documentation", ".cs").SelectMany(file => file.Lines).Select(line => line.Trim());
        var text = string.Join('\n', compiled);

        Assert.All(Blocks("csharp"), block =>
            Assert.Contains(string.Join('\n', block.Trim().Split('\n').Select(line => line.Trim())), text, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_option_and_every_key_is_described()
    {
        Assert.All(typeof(ShardedRedisCacheOptions).GetProperties(), option => Assert.Contains($"| `{option.Name}` |", Page, StringComparison.Ordinal));
        Assert.All(ConnectionStringKeys.All, key => Assert.Matches($@"(?m)^\|[^|]*`{key}`[^|]*\|", Page));
        Assert.Contains(OptionsFromConfiguration.SectionName, Page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_defaults_and_bounds_are_those_of_the_code()
    {
        var options = new ShardedRedisCacheOptions();

        Assert.Equal((TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)), (options.OperationTimeout, options.ConnectTimeout));
        Assert.Equal((8 << 20, 64L << 20), (options.MaximumPayloadBytes, options.LocalTierSizeLimit));
        Assert.Equal(536_870_886, ShardedRedisCacheOptions.LargestMaximumPayloadBytes);
        Assert.Equal(1 << 20, ShardedRedisCacheOptions.SmallestLocalTierSizeLimit);
        Assert.Equal((TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1)), (ShardedRedisCacheOptions.ShortestTimeout, ShardedRedisCacheOptions.LongestTimeout));
    }

    private static IEnumerable<string> Blocks(string language) =>
        Regex.Matches(Page, $@"^```{language}\n(.*?)^```$", RegexOptions.Singleline | RegexOptions.Multiline).Select(match => match.Groups[1].Value);
}
