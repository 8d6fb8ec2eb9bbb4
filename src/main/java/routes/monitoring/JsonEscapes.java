package routes.monitoring;

import com.fasterxml.jackson.core.SerializableString;
import com.fasterxml.jackson.core.io.CharacterEscapes;
import com.fasterxml.jackson.core.io.SerializedString;
import com.fasterxml.jackson.databind.ObjectMapper;

/**
 * JSON that a person may look at as it is: characters that would do something to a terminal, or
 * that some readers take for the end of a line, are written as {@code \\uXXXX}. It says the same.
 */
public final class JsonEscapes extends CharacterEscapes {
  private static final long serialVersionUID = 1;

  private final int[] ascii = standardAsciiEscapesForJSON();

  private JsonEscapes() {
    ascii[0x7f] = ESCAPE_STANDARD;
  }

  /** Has this mapper, which writes nothing yet, write so. */
  public static ObjectMapper in(ObjectMapper mapper) {
    mapper.getFactory().setCharacterEscapes(new JsonEscapes());
    return mapper;
  }

  @Override
  public int[] getEscapeCodesForAscii() {
    return ascii;
  }

  @Override
  public SerializableString getEscapeSequence(int c) {
    return Visible.isHidden(c) ? new SerializedString(String.format("\\u%04x", c)) : null;
  }
}
