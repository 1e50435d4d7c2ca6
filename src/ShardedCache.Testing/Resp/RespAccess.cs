using System.Net.Security;

namespace ShardedCache.Testing.Resp;

/// <summary>How the farm itself gets into its processes; null members where they ask for nothing.</summary>
internal sealed record RespAccess(string? User, string? Password, SslClientAuthenticationOptions? Tls);
