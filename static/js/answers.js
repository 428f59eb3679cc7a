// The answers that a tablet keeps until the server has them, in IndexedDB: drafts, and what is
// finished and waits. Every change is on disk before anybody is thanked for it.
const STORE = "answers";
let opened = null;

function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("hailong", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => {
      request.result.onclose = () => { opened = null; };
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
  });
  opened.catch(() => { opened = null; });
  return opened;
}

/** Run `work` on the store in one transaction. Rejects where it is not on disk, a full one too. */
async function transact(mode, work) {
  const transaction = (await database()).transaction(STORE, mode, { durability: "strict" });
  return new Promise((resolve, reject) => {
    let result;
    transaction.oncomplete = () => resolve(result);
    transaction.onabort = () => reject(transaction.error ?? new Error("aborted"));
    work(transaction.objectStore(STORE), (value) => { result = value; });
  });
}

/** All that is kept, the oldest first. */
export async function all() {
  const kept = await transact("readonly", (store, give) => {
    const request = store.getAll();
    request.onsuccess = () => give(request.result);
  });
  return kept.sort((one, other) => (one.answered_at < other.answered_at ? -1 : 1));
}

/** Change what is kept under an id. `edit` makes the new one of the present one, if there is one;
 * undefined leaves it, null removes it. Returns what is kept afterwards. */
export function change(id, edit) {
  return transact("readwrite", (store, give) => {
    const request = store.get(id);
    request.onsuccess = () => {
      const after = edit(request.result);
      if (after === null) store.delete(id);
      else if (after !== undefined) store.put(after);
      give(after === undefined ? request.result : after);
    };
  });
}
