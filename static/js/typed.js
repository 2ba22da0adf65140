// What was typed into a form that was not taken (the session was over, the page too old, the server away) comes back when its
// page is opened again by the same person in the same tab. It lies in this tab's storage only, for half an hour, and goes with a
// form that was taken, a log-out, somebody else. Passwords, codes and files are never kept.
(() => {
  "use strict";
  const KEY = "typed", LONGEST = 30 * 60 * 1000;
  const me = document.body.dataset.me || "";  // "" on the way in
  const read = () => { try { return JSON.parse(sessionStorage.getItem(KEY) || "null"); } catch { return null; } };
  const write = (kept) => { try { if (kept) sessionStorage.setItem(KEY, JSON.stringify(kept)); else sessionStorage.removeItem(KEY); } catch { /* full or forbidden: then it is not kept */ } };
  const keepable = (el) => el && el.name && el.name !== "csrfmiddlewaretoken" && !/^(password|file|hidden|submit|button)$/.test(el.type) && el.autocomplete !== "one-time-code";

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !me || form.getAttribute("method") !== "post") return;
    if (new URL(form.getAttribute("action") || "", location).pathname === "/logout/") { write(null); return; }
    const fields = [...form.elements].filter(keepable).map((el) => [el.name, el.value, Boolean(el.checked)]);
    write(fields.length ? { at: Date.now(), me, page: location.pathname, action: new URL(form.getAttribute("action") || "", location).pathname, fields, failed: false } : null);
  });

  const kept = read();
  if (!kept) return;
  if (Date.now() - kept.at > LONGEST || (me && me !== kept.me)) { write(null); return; }
  if (document.querySelector(".errorpage") || !me) { write({ ...kept, failed: true }); return; }
  if (!kept.failed) { write(null); return; }  // it was taken, or came back with its errors and everything typed
  if (location.pathname !== kept.page) return;
  const form = [...document.forms].find((f) => f.getAttribute("method") === "post" && new URL(f.getAttribute("action") || "", location).pathname === kept.action);
  write(null);
  if (!form) return;
  let put = 0;
  for (const [name, value, checked] of kept.fields) {
    const same = [...form.elements].filter((el) => el.name === name && keepable(el));
    const el = same.find((one) => /^(checkbox|radio)$/.test(one.type) && one.value === value) || (same.length === 1 ? same[0] : null);
    if (!el) continue;
    if (/^(checkbox|radio)$/.test(el.type)) { if (el.checked !== checked) { el.checked = checked; put += 1; } }
    else if (el.value !== value) { el.value = value; put += 1; }
    el.dispatchEvent(new Event("change", { bubbles: true }));
  }
  if (!put) return;
  const note = document.createElement("p");
  note.className = "note info"; note.setAttribute("role", "status");
  note.textContent = "上次没有提交成功，填写的内容已放回下面的表格，请核对后再提交。文件和密码需要重新选择、填写。";
  form.prepend(note);
})();
