package io.kvorum.verification.simulation;

import io.kvorum.actors.divergence.Divergence;
import io.kvorum.actors.raft.HardState;
import io.kvorum.actors.raft.RaftMessage;
import io.kvorum.actors.raft.log.Entry;
import io.kvorum.actors.raft.membership.Configuration;
import io.kvorum.protocol.MemberId;
import io.kvorum.protocol.internal.LogRecord;
import java.util.ArrayList;
import java.util.List;

/** All of them, in order. */
record Invariants(List<Invariant> all) implements Invariant {
  Invariants {
    all = new ArrayList<>(all);
  }

  /** One more, told of everything from now on. */
  void add(Invariant invariant) {
    all.add(invariant);
  }

  @Override
  public void sent(MemberId from, MemberId to, RaftMessage message) {
    for (Invariant each : all) {
      each.sent(from, to, message);
    }
  }

  @Override
  public void started(Life life) {
    all.forEach(i -> i.started(life));
  }

  @Override
  public void leads(Life life, long term) {
    all.forEach(i -> i.leads(life, term));
  }

  @Override
  public void writes(Life life, HardState hardState, List<Entry> entries) {
    all.forEach(i -> i.writes(life, hardState, entries));
  }

  @Override
  public void durable(Member member, LogRecord record) {
    all.forEach(i -> i.durable(member, record));
  }

  @Override
  public void commits(Life life, long index) {
    all.forEach(i -> i.commits(life, index));
  }

  @Override
  public void applied(Life life, Entry entry, Store.Applied applied) {
    all.forEach(i -> i.applied(life, entry, applied));
  }

  @Override
  public void installed(Life life, Store snapshot) {
    all.forEach(i -> i.installed(life, snapshot));
  }

  @Override
  public void configured(Life life, Configuration configuration, long index) {
    all.forEach(i -> i.configured(life, configuration, index));
  }

  @Override
  public void readConfirmed(Life life, long floor, long index) {
    all.forEach(i -> i.readConfirmed(life, floor, index));
  }

  @Override
  public void diverged(Life leader, Divergence divergence) {
    all.forEach(i -> i.diverged(leader, divergence));
  }

  @Override
  public void handled(Life life) {
    for (Invariant each : all) {
      each.handled(life);
    }
  }

  @Override
  public void finished(List<Life> members) {
    all.forEach(i -> i.finished(members));
  }
}
