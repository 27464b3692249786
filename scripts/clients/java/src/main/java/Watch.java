import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.launchdarkly.eventsource.ConnectStrategy;
import com.launchdarkly.eventsource.EventSource;
import com.launchdarkly.eventsource.MessageEvent;
import com.launchdarkly.eventsource.background.BackgroundEventHandler;
import com.launchdarkly.eventsource.background.BackgroundEventSource;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Follows a video: java Watch http://127.0.0.1:8080/v1/videos/final/events */
public class Watch implements BackgroundEventHandler {
  private final Map<String, String> comments = new LinkedHashMap<>();

  public static void main(String[] args) throws Exception {
    // It gives up after 5 s of silence unless told otherwise; Ovation is silent for --beat at most, 15 s.
    var http = ConnectStrategy.http(URI.create(args[0])).readTimeout(45, TimeUnit.SECONDS);
    new BackgroundEventSource.Builder(new Watch(), new EventSource.Builder(http)).build().start();
    Thread.currentThread().join();
  }

  public void onMessage(String event, MessageEvent message) {
    JsonObject said = JsonParser.parseString(message.getData()).getAsJsonObject();
    if (event.equals("snapshot") || event.equals("likes")) {
      JsonElement hearts = said.getAsJsonObject("totals").get("heart");
      // Absolute: the newest is the truth.
      System.out.println("total " + (hearts == null ? 0 : hearts.getAsLong()));
    }
    List<JsonElement> list =
        event.equals("snapshot") ? said.getAsJsonArray("comments").asList()
            : event.equals("comment") ? List.of(said) : List.of();
    for (JsonElement each : list) {
      JsonObject comment = each.getAsJsonObject();
      String text = comment.get("text").getAsString();
      // Each once, also after a resumption.
      if (comments.putIfAbsent(comment.get("id").getAsString(), text) == null)
        System.out.println("comment " + text);
    }
    if (event.equals("retract")) comments.remove(said.get("id").getAsString());
    if (event.equals("reset")) System.out.println("missed some"); // a snapshot follows
  }

  public void onOpen() {}

  public void onClosed() {}

  public void onComment(String comment) {}

  /** It comes back by itself. */
  public void onError(Throwable error) {}
}
