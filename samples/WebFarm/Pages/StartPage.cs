namespace WebFarm.Pages;

internal static class StartPage
{
    public static void MapStartPage(this WebApplication app) => app.MapGet("/", (PageRenderer renderer) => renderer.Page(
        "/",
        "One cache on many Redis shards",
        """
        <p class="lead">Every instance of this application shares what you do here. Open it on another instance, kill a Redis master, and go on.</p>
        <div class="cards">
          <a class="card" href="/session"><h2>Session</h2><p>A counter that follows you from instance to instance.</p></a>
          <a class="card" href="/news"><h2>Output cache</h2><p>A page that is rendered once for all instances, until its tag is evicted.</p></a>
          <a class="card" href="/entry"><h2>Entry</h2><p>Store a value under a key, and see on which shard it lies.</p></a>
          <a class="card" href="/health"><h2>Health</h2><p>Which shards are up, and what is known of the rest.</p></a>
        </div>
        """));
}
