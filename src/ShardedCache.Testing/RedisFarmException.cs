namespace ShardedCache.Testing;

/// <summary>A farm could not do what it was asked: a process did not start or answer, a wait ran out, or Redis replied with an error.</summary>
public sealed class RedisFarmException : Exception
{
    /// <summary>Creates the exception with a general text.</summary>
    public RedisFarmException()
    {
    }

    /// <summary>Creates the exception with <paramref name="message"/>.</summary>
    public RedisFarmException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with <paramref name="message"/> and its cause.</summary>
    public RedisFarmException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    internal static RedisFarmException ForErrorReply(string text) => new(text) { Code = text.Split(' ', 2)[0] };

    /// <summary>The code word of Redis's error reply, such as <c>READONLY</c> or <c>NOPERM</c>; null when it was no error reply.</summary>
    public string? Code { get; private init; }
}
