namespace ShardedCache;

/// <summary>The user and the password for one connection. Its text never shows the password.</summary>
/// <param name="user">The ACL user, or null for the server's default user.</param>
/// <param name="password">The password, or null where the server asks for none.</param>
public sealed class ShardedRedisCredentials(string? user, string? password)
{
    /// <summary>The ACL user, or null for the server's default user.</summary>
    public string? User { get; } = user;

    /// <summary>The password, or null where the server asks for none.</summary>
    public string? Password { get; } = password;

    /// <summary>The user's name, and asterisks for the password.</summary>
    /// <returns>A text that is safe to log.</returns>
    public override string ToString() => Password is null ? "none" : $"{User ?? "default"}:***";
}
