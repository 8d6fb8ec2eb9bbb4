package routes;

import java.util.ArrayList;
import java.util.List;
import routes.settings.Bullmq;

/**
 * One name each: route id, {@code direct:} name and metric tag at once. Dashboards rely on this
 * set.
 */
public final class RouteNames {
  public static final String TAKE_PAYLOAD = "take-payload";
  public static final String REJECT_PAYLOAD = "reject-payload";
  public static final String AWAIT_ENROLMENT = "await-enrolment";
  public static final String WAKE_ENROLLED = "wake-enrolled";
  public static final String CLAIM_JOB = "claim-job";
  public static final String REUSE_DELIVERY = "reuse-delivery";
  public static final String DOWNLOAD = "download";
  public static final String RUN_DOWNLOADER = "run-downloader";
  public static final String UPLOAD = "upload";
  public static final String RUN_RCLONE = "run-rclone";
  public static final String POST_WEBHOOK = "post-webhook";
  public static final String SEND_WEBHOOK = "send-webhook";
  public static final String CLEAN_UP = "clean-up";
  public static final String REMOVE_SANDBOX = "remove-sandbox";
  public static final String BURY_JOB = "bury-job";
  public static final String KEEP_HOUSE = "keep-house";
  public static final String RECONCILE = "reconcile";
  public static final String PUBLISH_EVENTS = "publish-events";
  public static final String RECORD_HISTORY = "record-history";
  public static final String WATCH = "watch";
  public static final String POST_ALERT = "post-alert";
  public static final String SEND_ALERT = "send-alert";
  public static final String FIND_PROGRAMS = "find-programs";
  public static final String FOLLOW_SETTINGS = "follow-settings";

  /** These three run only with a BullMQ queue. */
  public static final String TAKE_BULLMQ = "take-bullmq";

  public static final String TELL_BULLMQ = "tell-bullmq";
  public static final String SWEEP_BULLMQ = "sweep-bullmq";

  private RouteNames() {}

  /** The routes that ask for work. */
  static List<String> fetching(Bullmq sources) {
    List<String> routes = new ArrayList<>(List.of(CLAIM_JOB));
    if (sources.lists()) {
      routes.add(TAKE_PAYLOAD);
    }
    if (sources.enabled()) {
      routes.add(TAKE_BULLMQ);
    }
    return routes;
  }

  static String direct(String name) {
    return "direct:" + name;
  }
}
