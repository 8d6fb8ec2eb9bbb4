package routes.bullmq;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;

/**
 * A job of a BullMQ queue, as it was when it was taken.
 *
 * @param data JSON, as the producer gave it
 * @param options of the producer, in BullMQ's words
 * @param attemptsMade how often it has ended or failed before
 * @param attemptsStarted how often it was taken, this time included
 * @param priority 0 for none; 1 goes before 2
 * @param timestamp when it was added, in ms since the epoch
 * @param stacktrace of earlier attempts: a JSON list, or null
 * @param deferredFailure why it is to fail without being worked on (it has stalled too often, a
 *     child of it has failed); or null
 * @param stalled how often its worker has gone silent
 * @param lastWorker name of the worker that had it before, {@code processedBy}; or null
 */
public record BullJob(
    String id,
    String name,
    String data,
    JsonNode options,
    int attemptsMade,
    int attemptsStarted,
    int priority,
    long timestamp,
    String stacktrace,
    String deferredFailure,
    int stalled,
    String lastWorker) {
  /** BullMQ's word for it, by which its own workers know it too. */
  static final String STALLED = "job stalled more than allowable limit";

  static final ObjectMapper JSON = new ObjectMapper();

  static BullJob of(String id, Map<String, String> hash, String lastWorker) {
    return new BullJob(
        id,
        hash.getOrDefault("name", ""),
        hash.getOrDefault("data", "{}"),
        json(hash.getOrDefault("opts", "{}")),
        (int) number(hash, "atm"),
        (int) number(hash, "ats"),
        (int) number(hash, "priority"),
        number(hash, "timestamp"),
        hash.get("stacktrace"),
        hash.get("defa"),
        (int) number(hash, "stc"),
        lastWorker);
  }

  /** Whether it is to fail because its workers have gone silent too often. */
  public boolean hasStalledTooOften() {
    return STALLED.equals(deferredFailure);
  }

  /** How often it may be tried; 1 if the producer has not said. */
  public int attempts() {
    return Math.max(1, options.path("attempts").asInt(1));
  }

  /** Its data; an empty object where they are no JSON. */
  public JsonNode dataAsJson() {
    return json(data);
  }

  /** How many lines of its log stay, the newest; 0 for all. */
  public int keepLogs() {
    return Math.max(0, options.path("kl").asInt(0));
  }

  /** Whether it goes before all others that wait. */
  boolean lifo() {
    return options.path("lifo").asBoolean(false);
  }

  static JsonNode json(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      // A producer that wrote no JSON has said nothing.
      return JSON.createObjectNode();
    }
  }

  private static long number(Map<String, String> hash, String field) {
    String value = hash.get(field);
    try {
      return value == null ? 0 : (long) Double.parseDouble(value);
    } catch (NumberFormatException e) {
      return 0;
    }
  }
}
