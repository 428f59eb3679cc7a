// What a phone keeps of an answer: what is being typed, until it was sent or the tab is closed;
// and what could not be sent, until it was, for a day at most. Nothing of it leaves the phone but
// by its form.
const WAITING = "hailong:waiting:";
const TYPED = "hailong:typed:";
const DAY_MS = 24 * 60 * 60 * 1000;

/** A store of the browser; what it refuses to keep, this page remembers. */
class Store {
  constructor(name) {
    this.memory = new Map();
    try {
      this.real = window[name]; // null or an error where the browser has it switched off
    } catch (refused) {
      this.real = null;
    }
  }

  set(key, value) {
    try {
      this.real.setItem(key, JSON.stringify(value));
      this.memory.delete(key);
    } catch (refused) {
      this.memory.set(key, value);
    }
  }

  get(key) {
    if (this.memory.has(key)) return this.memory.get(key);
    try {
      return JSON.parse(this.real.getItem(key));
    } catch (refused) {
      return null;
    }
  }

  remove(key) {
    this.memory.delete(key);
    try {
      this.real.removeItem(key);
    } catch (refused) {
      // Then there is nothing to remove.
    }
  }

  keys(prefix) {
    const keys = [...this.memory.keys(), ...(this.real ? Object.keys(this.real) : [])];
    return keys.filter((key) => key.startsWith(prefix));
  }
}

const phone = new Store("localStorage");
const tab = new Store("sessionStorage");

/** Where a form is kept: its address, and the visit where the address does not name one. */
export function idOf(form) {
  const { visit } = form.elements;
  return `${form.getAttribute("action")}#${visit ? visit.value : ""}`;
}

/** Keep a form's fields until they were sent. */
export function keepWaiting(form, body) {
  const answer = { id: idOf(form), action: form.getAttribute("action"), body, at: Date.now() };
  phone.set(WAITING + answer.id, answer);
}

/** Whether all that waits is still there after the page was closed. */
export const lasting = () => phone.memory.size === 0;

export const forgetWaiting = (id) => phone.remove(WAITING + id);

/** What waits, oldest first; what is older than a day is gone. */
export function waiting() {
  const found = [];
  for (const key of phone.keys(WAITING)) {
    const answer = phone.get(key);
    const age = answer ? Date.now() - answer.at : NaN;
    if (age >= 0 && age < DAY_MS) found.push(answer);
    else phone.remove(key);
  }
  return found.sort((one, other) => one.at - other.at);
}

export function keepTyped(form, body) {
  // Another visit at this address is over: somebody else has the phone now.
  const own = TYPED + idOf(form);
  for (const key of tab.keys(`${TYPED}${form.getAttribute("action")}#`)) {
    if (key !== own) tab.remove(key);
  }
  tab.set(own, body);
  if (tab.memory.has(own)) remember({ [own]: body });
}

export function typed(form) {
  const own = TYPED + idOf(form);
  return tab.get(own) || (window.history.state || {})[own];
}

export function forgetTyped(form) {
  tab.remove(TYPED + idOf(form));
  if (window.history.state) remember(null);
}

/** Apps that refuse all stores still keep a state with the address, over a reload and Back. */
function remember(state) {
  try {
    window.history.replaceState(state, "");
  } catch (refused) {
    // Safari takes a hundred of them in half a minute: the next letter tries again.
  }
}
