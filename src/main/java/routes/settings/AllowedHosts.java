package routes.settings;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** What {@code ALLOWED_HOSTS} may hold. An entry that can match nothing is a typing error. */
final class AllowedHosts {
  private static final String KEY = "waybill.allowed-hosts";
  private static final String LABEL = "[a-z0-9]([a-z0-9-]*[a-z0-9])?";

  /**
   * A name, or a suffix that begins with a dot; an IPv6 address in brackets; a port after either.
   */
  private static final Pattern ENTRY =
      Pattern.compile("(\\.?LABEL(\\.LABEL)*|\\[[0-9a-f:.]+])(:\\d{1,5})?".replace("LABEL", LABEL));

  private AllowedHosts() {}

  /** In lower case. */
  static List<String> read(Reader read) {
    List<String> entries =
        read.requiredList(KEY, "hosts a courseUrl may name (ALLOWED_HOSTS)").stream()
            .map(entry -> entry.toLowerCase(Locale.ROOT))
            .toList();
    if (!entries.stream().allMatch(entry -> ENTRY.matcher(entry).matches())) {
      read.fault(
          KEY,
          "host names (shop.example) or suffixes (.shop.example) in ASCII, comma-separated, with a"
              + " port or without, and nothing else of a URL");
    }
    return entries;
  }
}
