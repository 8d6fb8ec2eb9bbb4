package routes.job;

/**
 * What a sandbox may hold.
 *
 * @param skipLinks whether links are taken out and the rest is delivered; else a delivery with one
 *     is refused
 * @param maxBytes of all files
 * @param maxFiles files and directories
 * @param takeOver whether its directories become this user's before they are looked at: the
 *     downloader was another one, and may have left a process that goes on changing them
 */
public record DeliveryRules(boolean skipLinks, long maxBytes, int maxFiles, boolean takeOver) {
  DeliveryRules refusingLinks() {
    return new DeliveryRules(false, maxBytes, maxFiles, takeOver);
  }
}
