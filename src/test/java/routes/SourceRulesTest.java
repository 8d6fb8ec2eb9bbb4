package routes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.source.tree.BinaryTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.ConditionalExpressionTree;
import com.sun.source.tree.ExpressionTree;
import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.LiteralTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.MethodInvocationTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.tree.ParenthesizedTree;
import com.sun.source.tree.ReturnTree;
import com.sun.source.tree.Tree;
import com.sun.source.tree.VariableTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreeScanner;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What no source of Waybill may do, whatever it is for. */
class SourceRulesTest {
  private static final Path SOURCES = Path.of("src", "main", "java");

  /** What turns bytes or text from outside into objects of any class. */
  private static final List<String> DESERIALIZERS =
      List.of(
          "java/io/ObjectInputStream",
          "java/rmi/MarshalledObject",
          "java/beans/XMLDecoder",
          "org/yaml/snakeyaml/Yaml",
          "JdkSerializationRedisSerializer",
          "GenericJackson2JsonRedisSerializer",
          "activateDefaultTyping",
          "enableDefaultTyping",
          "com/fasterxml/jackson/annotation/JsonTypeInfo",
          "allowJavaSerializedObject",
          "transferException",
          "javax/script/ScriptEngine");

  /** Calls whose first argument is SQL: of JDBC, and of Spring's templates over it. */
  private static final Set<String> TAKES_SQL =
      Set.of(
          "prepareStatement",
          "prepareCall",
          "executeQuery",
          "executeUpdate",
          "executeLargeUpdate",
          "addBatch",
          "nativeSQL",
          "query",
          "queryForObject",
          "queryForList",
          "queryForMap",
          "queryForStream",
          "queryForRowSet",
          "update",
          "batchUpdate");

  /** Components of a search that are SQL; whatever makes one is looked at too. */
  private static final Set<String> PARTS = Set.of("ids", "order");

  @Test
  void should_read_no_object_from_bytes() throws IOException {
    Set<String> found = new TreeSet<>();
    int classes = 0;
    try (Stream<Path> all = Files.walk(Path.of("target", "classes", "routes"))) {
      for (Path file : all.filter(path -> path.toString().endsWith(".class")).toList()) {
        classes++;
        // Names of classes, methods and options are in a class file as they are.
        String text = Files.readString(file, StandardCharsets.ISO_8859_1);
        DESERIALIZERS.stream().filter(text::contains).forEach(it -> found.add(file + " has " + it));
      }
    }

    assertTrue(classes > 100, "read " + classes);
    assertEquals(Set.of(), found);
  }

  @Test
  void should_put_no_value_into_the_text_of_a_statement() throws IOException {
    try (Stream<Path> all = Files.walk(SOURCES)) {
      Statements found =
          new Statements(all.filter(path -> path.toString().endsWith(".java")).toList());

      assertTrue(found.seen > 60, "statements seen: " + found.seen);
      assertEquals(List.of(), found.bad);
    }
  }

  @Test
  void should_notice_a_value_in_the_text_of_a_statement(@TempDir Path directory)
      throws IOException {
    for (String bad :
        List.of(
            "jdbc.update(\"DELETE FROM t WHERE id = \" + id);",
            "String s = \"SELECT 1 FROM \" + id; jdbc.query(s, x -> null);",
            "String s = \"SELECT 1\"; s += id; jdbc.query(s, x -> null);",
            "jdbc.queryForList(String.format(\"SELECT %s\", id));",
            "jdbc.queryForList(\"SELECT %s\".formatted(id));",
            "jdbc.queryForList(A.replace(\"?\", id));",
            "jdbc.queryForList(where(id));",
            "c.prepareStatement(id);")) {
      Path file = directory.resolve("X.java");
      Files.writeString(
          file,
          "class X { static final String A = \"SELECT ?\";"
              + " static String where(String id) { return A + id; } void run(String id) { "
              + bad
              + " } }");

      assertEquals(1, new Statements(List.of(file)).bad.size(), bad);
    }
  }

  @Test
  void should_bind_every_value_of_the_statements_in_files() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(Path.of("src", "main", "resources"))) {
      files = all.filter(path -> path.toString().endsWith(".sql")).toList();
    }
    assertTrue(files.size() >= 7, files.toString());
    for (Path file : files) {
      // Camel's simple language, Flyway's placeholders and Camel's own would put text in.
      String text = Files.readString(file).replaceAll("(?m)--.*$", "");
      for (String hole : List.of("${", "{{", ":#${", ":?${")) {
        assertTrue(!text.contains(hole), file + " has " + hole);
      }
    }
    try (Stream<Path> all = Files.walk(SOURCES)) {
      for (Path file : all.filter(path -> path.toString().endsWith(".java")).toList()) {
        String text = Files.readString(file);
        int at = text.indexOf("\"sql:");
        assertTrue(at < 0 || text.startsWith("\"sql:classpath:", at), file + " has SQL in a URI");
      }
    }
  }

  /** Every call that takes SQL, and those whose SQL is not made of constants alone. */
  private static final class Statements extends TreeScanner<Void, Void> {
    private final List<CompilationUnitTree> units = new ArrayList<>();
    private final List<String> bad = new ArrayList<>();
    private MethodTree method;
    private ClassTree type;
    private int seen;

    Statements(List<Path> files) throws IOException {
      JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
      try (StandardJavaFileManager manager =
          compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
        JavacTask task =
            (JavacTask)
                compiler.getTask(
                    null, manager, null, null, null, manager.getJavaFileObjectsFromPaths(files));
        task.parse().forEach(units::add);
      }
      units.forEach(unit -> scan(unit, null));
    }

    @Override
    public Void visitClass(ClassTree tree, Void nothing) {
      ClassTree outer = type;
      type = tree;
      super.visitClass(tree, nothing);
      type = outer;
      return null;
    }

    @Override
    public Void visitMethod(MethodTree tree, Void nothing) {
      MethodTree outer = method;
      method = tree;
      super.visitMethod(tree, nothing);
      method = outer;
      return null;
    }

    @Override
    public Void visitMethodInvocation(MethodInvocationTree call, Void nothing) {
      if (call.getMethodSelect() instanceof MemberSelectTree select
          && TAKES_SQL.contains(select.getIdentifier().toString())
          && isDatabase(select.getExpression().toString())
          && !call.getArguments().isEmpty()) {
        seen++;
        if (!isConstant(call.getArguments().get(0), method, type, 0)) {
          bad.add(type.getSimpleName() + ": " + call);
        }
      }
      return super.visitMethodInvocation(call, nothing);
    }

    @Override
    public Void visitNewClass(NewClassTree made, Void nothing) {
      if (made.getIdentifier().toString().equals("Search")) {
        for (int part : new int[] {0, 2}) {
          seen++;
          if (!isConstant(made.getArguments().get(part), method, type, 0)) {
            bad.add(type.getSimpleName() + ": " + made);
          }
        }
      }
      return super.visitNewClass(made, nothing);
    }

    private static boolean isDatabase(String receiver) {
      return receiver.matches("(this\\.)?(jdbc|statement|connection|c|insert|template)");
    }

    /** Literals and constants, put together by this program alone. */
    private boolean isConstant(ExpressionTree text, MethodTree in, ClassTree of, int depth) {
      if (depth > 20) {
        return false;
      }
      if (text instanceof LiteralTree) {
        return true;
      }
      if (text instanceof ParenthesizedTree inner) {
        return isConstant(inner.getExpression(), in, of, depth + 1);
      }
      if (text instanceof BinaryTree both) {
        return isConstant(both.getLeftOperand(), in, of, depth + 1)
            && isConstant(both.getRightOperand(), in, of, depth + 1);
      }
      if (text instanceof ConditionalExpressionTree either) {
        return isConstant(either.getTrueExpression(), in, of, depth + 1)
            && isConstant(either.getFalseExpression(), in, of, depth + 1);
      }
      if (text instanceof IdentifierTree name) {
        return isConstant(name.getName().toString(), in, of, depth);
      }
      if (text instanceof MemberSelectTree select) {
        return isConstantName(select.getIdentifier().toString());
      }
      return text instanceof MethodInvocationTree call && isConstantCall(call, in, of, depth);
    }

    private static boolean isConstantName(String name) {
      return name.matches("[A-Z][A-Z0-9_]*");
    }

    /** A constant, or a local that is only ever given constants. */
    private boolean isConstant(String name, MethodTree in, ClassTree of, int depth) {
      if (isConstantName(name)) {
        return true;
      }
      List<ExpressionTree> given = new ArrayList<>();
      new TreeScanner<Void, Void>() {
        @Override
        public Void visitVariable(VariableTree variable, Void nothing) {
          if (variable.getName().contentEquals(name) && variable.getInitializer() != null) {
            given.add(variable.getInitializer());
          }
          return super.visitVariable(variable, nothing);
        }

        @Override
        public Void visitCompoundAssignment(
            com.sun.source.tree.CompoundAssignmentTree assignment, Void nothing) {
          if (assignment.getVariable().toString().equals(name)) {
            given.add(assignment.getExpression());
          }
          return super.visitCompoundAssignment(assignment, nothing);
        }

        @Override
        public Void visitAssignment(com.sun.source.tree.AssignmentTree assignment, Void nothing) {
          if (assignment.getVariable().toString().equals(name)) {
            given.add(assignment.getExpression());
          }
          return super.visitAssignment(assignment, nothing);
        }
      }.scan(in, null);
      boolean isParameter =
          in.getParameters().stream().anyMatch(each -> each.getName().contentEquals(name));
      return isParameter
          ? isGivenConstants(name, in, of, depth)
          : !given.isEmpty()
              && given.stream().allMatch(each -> isConstant(each, in, of, depth + 1));
    }

    /** A private method's parameter: all who call it are in its class. */
    private boolean isGivenConstants(String name, MethodTree in, ClassTree of, int depth) {
      boolean isPrivate =
          in.getModifiers().getFlags().contains(javax.lang.model.element.Modifier.PRIVATE);
      int at = 0;
      while (!in.getParameters().get(at).getName().contentEquals(name)) {
        at++;
      }
      int position = at;
      List<Boolean> calls = new ArrayList<>();
      for (Tree member : of.getMembers()) {
        if (member instanceof MethodTree caller) {
          new TreeScanner<Void, Void>() {
            @Override
            public Void visitMethodInvocation(MethodInvocationTree call, Void nothing) {
              if (call.getMethodSelect().toString().equals(in.getName().toString())) {
                calls.add(isConstant(call.getArguments().get(position), caller, of, depth + 1));
              }
              return super.visitMethodInvocation(call, nothing);
            }
          }.scan(caller, null);
        }
      }
      return isPrivate && !calls.isEmpty() && !calls.contains(false);
    }

    private boolean isConstantCall(
        MethodInvocationTree call, MethodTree in, ClassTree of, int depth) {
      String name = call.getMethodSelect().toString();
      if (PARTS.contains(lastOf(name)) && call.getArguments().isEmpty()) {
        return true;
      }
      if (call.getMethodSelect() instanceof MemberSelectTree select
          && Set.of("repeat", "replace").contains(lastOf(name))
          && isConstant(select.getExpression(), in, of, depth + 1)) {
        return lastOf(name).equals("repeat")
            || call.getArguments().stream().allMatch(each -> isConstant(each, in, of, depth + 1));
      }
      for (CompilationUnitTree unit : units) {
        for (Tree top : unit.getTypeDecls()) {
          if (top instanceof ClassTree found) {
            for (Tree member : found.getMembers()) {
              if (member instanceof MethodTree called
                  && name.equals(
                      found == of
                          ? called.getName().toString()
                          : found.getSimpleName() + "." + called.getName())) {
                return returnsConstants(called, found, depth);
              }
            }
          }
        }
      }
      return false;
    }

    private boolean returnsConstants(MethodTree called, ClassTree of, int depth) {
      boolean numbersOnly =
          called.getParameters().stream()
              .allMatch(each -> each.getType().toString().matches("int|long|boolean"));
      List<Boolean> returned = new ArrayList<>();
      new TreeScanner<Void, Void>() {
        @Override
        public Void visitReturn(ReturnTree tree, Void nothing) {
          returned.add(isConstant(tree.getExpression(), called, of, depth + 1));
          return null;
        }
      }.scan(called.getBody(), null);
      return numbersOnly && !returned.isEmpty() && !returned.contains(false);
    }

    private static String lastOf(String name) {
      return name.substring(name.lastIndexOf('.') + 1);
    }
  }
}
