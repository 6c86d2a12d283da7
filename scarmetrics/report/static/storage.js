// Keeps the reader's name and decisions in this browser, apart for each run and reader.
'use strict';

const Store = (() => {
  const PREFIX = 'scarmetrics ';
  const run = () => document.body.dataset.run;
  const memory = new Map();
  const works = (() => {
    try {
      localStorage.setItem(PREFIX + 'test', '1');
      localStorage.removeItem(PREFIX + 'test');
      return true;
    } catch {
      return false;
    }
  })();

  const read = (key) => (works ? localStorage.getItem(key) : memory.get(key) ?? null);
  const write = (key, text) => {
    if (!works) {
      memory.set(key, text);
      return true;
    }
    try {
      localStorage.setItem(key, text);
      return true;
    } catch { // the disk is full, or storage was switched off meanwhile
      return false;
    }
  };
  const remove = (key) => (works ? localStorage.removeItem(key) : memory.delete(key));
  const keys = () => (works ? Object.keys(localStorage) : [...memory.keys()]);
  const keyOf = (...parts) => PREFIX + JSON.stringify(parts);
  const parsed = (text) => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  };

  return {
    works,
    get: (name) => read(keyOf(name)) ?? '',
    set: (name, text) => write(keyOf(name), text),
    get reader() { return read(keyOf('reader')) ?? ''; },
    set reader(name) { write(keyOf('reader'), name); },

    decision(subject, side) {
      return parsed(read(keyOf(run(), this.reader, subject, side)));
    },
    decide(subject, side, decision) {
      return write(keyOf(run(), this.reader, subject, side), JSON.stringify(decision));
    },
    withdraw(subject, side) {
      remove(keyOf(run(), this.reader, subject, side));
    },

    // All decisions of this reader on this run, by subject and side.
    all() {
      const found = [];
      for (const key of keys()) {
        if (!key.startsWith(PREFIX)) continue;
        const parts = parsed(key.slice(PREFIX.length));
        const decision = parsed(read(key));
        if (Array.isArray(parts) && parts.length === 4 && parts[0] === run()
            && parts[1] === this.reader && decision) {
          found.push({ ...decision, reader: parts[1], subject_id: parts[2], side: parts[3] });
        }
      }
      const order = (half) => `${half.subject_id}\u0000${half.side}`;
      return found.sort((a, b) => (order(a) < order(b) ? -1 : 1));
    },
  };
})();
