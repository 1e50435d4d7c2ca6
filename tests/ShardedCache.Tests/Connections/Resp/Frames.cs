using System.Text;

namespace ShardedCache.Tests.Connections.Resp;

/// <summary>What a server may send, and what it means; and what it may not.</summary>
internal static class Frames
{
    public static IReadOnlyList<(string Frame, string Meaning)> Good { get; } =
    [
        ("+OK\r\n", "OK"),
        ("+\r\n", ""),
        ("$0\r\n\r\n", ""),
        ("$5\r\nhello\r\n", "hello"),
        ("$7\r\nA\r\n$1\r\n\r\n", "A\r\n$1\r\n"),
        ($"$300\r\n{new string('x', 300)}\r\n", new string('x', 300)),
        ("=9\r\ntxt:hello\r\n", "hello"),
        (",3.14\r\n", "3.14"),
        ("(3492890328409238509324850943850943825024385\r\n", "3492890328409238509324850943850943825024385"),
        (":0\r\n", ":0"),
        (":-1\r\n", ":-1"),
        (":+7\r\n", ":7"),
        (":9223372036854775807\r\n", ":9223372036854775807"),
        (":-9223372036854775808\r\n", ":-9223372036854775808"),
        ("#t\r\n", ":1"),
        ("#f\r\n", ":0"),
        ("_\r\n", "nil"),
        ("$-1\r\n", "nil"),
        ("*-1\r\n", "nil"),
        ("-READONLY You can't write\r\n", "!READONLY You can't write"),
        ("!11\r\nOOM no room\r\n", "!OOM no room"),
        ("*0\r\n", "[]"),
        ("*3\r\n:1\r\n$1\r\na\r\n_\r\n", "[:1 a nil]"),
        ("~2\r\n+a\r\n+b\r\n", "[a b]"),
        ("%2\r\n+a\r\n:1\r\n+b\r\n*1\r\n#t\r\n", "[a :1 b [:1]]"),
        ("*2\r\n*2\r\n*0\r\n+x\r\n*1\r\n*1\r\n*1\r\n$2\r\n\r\n\r\n", "[[[] x] [[[\r\n]]]]"),
        (">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", "[message c hi]"),
    ];

    public static IReadOnlyList<string> Bad { get; } =
    [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\r\n",
        "\0\0\0\0",
        "$-7\r\n",
        "$536870913\r\n",
        "$99999999999999999999\r\n",
        "$9223372036854775807\r\n",
        "$x\r\n",
        "$\r\n\r\n",
        "$1\rx",
        "$1\r\nabc",
        "$?\r\n",
        "=3\r\ntx:\r\n",
        ":\r\n",
        ":-\r\n",
        ":1x\r\n",
        ":9223372036854775808\r\n",
        ":-9223372036854775809\r\n",
        "+OK\rx",
        "#x\r\n",
        "#tt\r\n",
        "_x\r\n",
        "!-1\r\n",
        "!65537\r\n",
        "*-2\r\n",
        "*262145\r\n",
        "*?\r\n",
        "%-1\r\n",
        "|1\r\n+a\r\n+b\r\n",
        "*1\r\n>1\r\n+a\r\n",
        "*2\r\n:1\r\nx",
        string.Concat(Enumerable.Repeat("*1\r\n", 17)),
        "+" + new string('a', 70_000),
        "-" + new string('a', 70_000) + "\r\n",
    ];

    public static byte[] Bytes(string frame) => Encoding.Latin1.GetBytes(frame);

    public static byte[] Concat(params IEnumerable<byte[]> parts)
    {
        using var whole = new MemoryStream();
        foreach (var part in parts)
        {
            whole.Write(part);
        }

        return whole.ToArray();
    }
}
