package io.kvorum.verification.history;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What a client asks of the store. */
public sealed interface Request {

  /** The keys that it reads or writes, whichever branch is taken. */
  Set<String> keys();

  /** Whether it may change something. */
  boolean mayWrite();

  /** A request for one key; also what a transaction's branches hold. */
  sealed interface Single extends Request {
    String key();

    @Override
    default Set<String> keys() {
      return Set.of(key());
    }
  }

  /** A linearizable read. A serializable one must not be part of a history. */
  record Get(String key) implements Single {
    @Override
    public boolean mayWrite() {
      return false;
    }

    @Override
    public String toString() {
      return "get " + key;
    }
  }

  /** Checks tell more if no two puts of a history write the same value. */
  record Put(String key, String value) implements Single {
    @Override
    public boolean mayWrite() {
      return true;
    }

    @Override
    public String toString() {
      return "put " + key + "=" + value;
    }
  }

  record Delete(String key) implements Single {
    @Override
    public boolean mayWrite() {
      return true;
    }

    @Override
    public String toString() {
      return "delete " + key;
    }
  }

  /** If all compares hold the one branch, else the other, as one step. */
  record Txn(List<Compare> compares, List<Single> success, List<Single> failure)
      implements Request {
    public Txn {
      compares = List.copyOf(compares);
      success = List.copyOf(success);
      failure = List.copyOf(failure);
    }

    @Override
    public Set<String> keys() {
      Set<String> keys = new LinkedHashSet<>();
      compares.forEach(c -> keys.add(c.key()));
      success.forEach(s -> keys.add(s.key()));
      failure.forEach(s -> keys.add(s.key()));
      return keys;
    }

    @Override
    public boolean mayWrite() {
      return success.stream().anyMatch(Request::mayWrite)
          || failure.stream().anyMatch(Request::mayWrite);
    }

    @Override
    public String toString() {
      return "if "
          + join(compares, " and ")
          + " then ["
          + join(success, "; ")
          + "] else ["
          + join(failure, "; ")
          + "]";
    }

    private static String join(List<?> parts, String by) {
      return parts.stream().map(Object::toString).collect(Collectors.joining(by));
    }
  }

  /** A transaction's condition, with etcd's meaning. */
  sealed interface Compare {
    String key();

    /** Never true of a key that does not exist. */
    record ValueIs(String key, String value) implements Compare {
      @Override
      public String toString() {
        return key + "=" + value;
      }
    }

    /** A key that does not exist has mod revision 0. */
    record ModRevisionIs(String key, long revision) implements Compare {
      @Override
      public String toString() {
        return "mod(" + key + ")=" + revision;
      }
    }
  }
}
