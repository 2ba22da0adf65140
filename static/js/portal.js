// Progressive enhancement only: every page works without this file. No eval, no inline handlers, no style attributes (strict CSP).
(() => {
  "use strict";
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  root.dataset.js = "";

  const say = (text) => { const live = $("#live"); if (live) { live.textContent = ""; setTimeout(() => { live.textContent = text; }, 50); } };
  let toastTimer;
  const toast = (text) => {
    const box = $("#toast"); if (!box) return;
    box.textContent = text; clearTimeout(toastTimer); toastTimer = setTimeout(() => { box.textContent = ""; }, 4000);
  };

  // --- display modes: the form posts without JavaScript; here the same cookie is written without leaving the page ---
  const OFF = { text: "large", contrast: "high", density: "compact", keys: "off" };
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (!form.matches("[data-display]") || !button || !(button.name in OFF)) return;
    event.preventDefault();
    const name = button.name, on = button.value === OFF[name];
    const secure = location.protocol === "https:" ? ";secure" : "";
    document.cookie = `display_${name}=${on ? button.value : ""};path=/;max-age=${on ? 31536000 : 0};samesite=lax${secure}`;
    if (on) root.dataset[name] = button.value; else delete root.dataset[name];
    for (const twin of $$(`[data-display] button[name="${name}"]`)) { twin.value = on ? "" : OFF[name]; twin.setAttribute("aria-pressed", String(on)); }
  });

  // --- one submit per click: the server is idempotent, this spares a request ---
  const release = (form) => $$("[aria-busy=true]", form).forEach((b) => { b.removeAttribute("aria-busy"); b.disabled = false; });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method") !== "post" || !form.matches("[data-once]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    // After this turn of the loop, so that the pressed button's own name and value are still sent.
    setTimeout(() => $$("button:not([type=button])", form).forEach((b) => { b.setAttribute("aria-busy", "true"); b.disabled = true; }));
    say("正在提交");
  });
  addEventListener("pageshow", (event) => { if (event.persisted) $$("form[data-sent]").forEach((f) => { delete f.dataset.sent; release(f); }); });
  document.addEventListener("htmx:finally:request", (event) => { const f = event.target.closest?.("form[data-sent]"); if (f) { delete f.dataset.sent; release(f); } });

  // --- upload: only XMLHttpRequest knows its progress; the answer is that to a plain form ---
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || !form.matches("[data-upload]") || !$$("input[type=file]", form).some((i) => i.files.length)) return;
    event.preventDefault();
    const request = new XMLHttpRequest(), data = new FormData(form, event.submitter), bar = $("progress", form), out = $("output", form);
    const tell = (text) => { if (out) out.textContent = text; };
    const buttons = $$("button:not([type=button])", form);
    buttons.forEach((b) => { b.disabled = true; });
    if (bar) { bar.hidden = false; bar.value = 0; }
    tell("正在上传");
    const stop = (text) => { buttons.forEach((b) => { b.disabled = false; }); if (bar) bar.hidden = true; tell(text); say(text); };
    request.upload.onprogress = (e) => { if (e.lengthComputable && bar) { const p = Math.round(e.loaded / e.total * 100); bar.value = p; tell(p < 100 ? `已上传 ${p}%` : "正在检查文件"); } };
    request.onerror = () => stop("网络中断，文件没有上传。检查网络后再点一次上传。");
    request.onload = () => {
      if (request.status < 400) { location.assign(request.responseURL || location.href); return; }
      const page = new DOMParser().parseFromString(request.responseText, "text/html"), next = $("#main", page);
      if (!next) { stop(request.status === 413 ? "文件太大，没有上传。" : "没有上传成功，请再试一次。"); return; }
      $("#main").replaceWith(document.adoptNode(next)); window.htmx?.process(next); document.title = page.title; arrive();
    };
    request.open("POST", form.action); request.send(data);
  });

  // --- clicks ---
  const copy = async (button) => {
    const text = button.dataset.copy || $(button.dataset.copyFrom)?.textContent.trim() || "";
    try { await navigator.clipboard.writeText(text); toast("已复制"); say("已复制"); } catch { toast("浏览器不允许复制，请手工选取"); }
  };
  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest?.(selector);
    const copier = at("[data-copy],[data-copy-from]"), printer = at("[data-print]"), opener = at("[data-dialog]"), closer = at("[data-close]");
    if (copier) { event.preventDefault(); copy(copier); }
    if (printer) { event.preventDefault(); print(); }
    if (opener) { const dialog = document.getElementById(opener.dataset.dialog); if (dialog?.showModal) { event.preventDefault(); dialog.showModal(); } }
    if (closer) { event.preventDefault(); closer.closest("dialog")?.close(); }
    $$("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    $$("details.menu[open]").forEach((menu) => { menu.open = false; $("summary", menu).focus(); });
  });

  // --- keyboard: single keys open and move, they never send anything; off with data-keys=off (WCAG 2.1.4) ---
  let prefix = "", prefixTimer;
  const typing = (el) => el.isContentEditable || /^(TEXTAREA|SELECT)$/.test(el.tagName) || (el.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(el.type));
  const press = (el) => {
    // asked of the page as it is now: an answer may be on its way
    const first = el.dataset.first && $(el.dataset.first); if (first) { first.focus(); first.scrollIntoView({ block: "nearest" }); return; }
    if (typing(el)) { el.focus(); el.select?.(); return; }
    // A button that would send a form only receives the focus: deciding takes a second, deliberate key.
    if (el.form && el.type === "submit" && el.form.getAttribute("method") === "post") { el.focus(); return; }
    el.focus(); el.click();
  };
  const shown = (el) => el && el.offsetParent !== null;
  const rows = () => $$("[data-rows] > *").filter(shown);
  const go = (step) => {
    const all = rows(); if (!all.length) return;
    // A refresh drops the class but keeps the focus, so the row in hand is known by either.
    const now = all.findIndex((row) => row.classList.contains("here") || row.contains(document.activeElement));
    const next = all[Math.min(all.length - 1, Math.max(0, now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step))];
    all.forEach((row) => row.classList.toggle("here", row === next));
    ($("a,button", next) || next).focus({ preventScroll: true }); next.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      // An opened decision panel is confirmed from anywhere on its page, but never from inside another form.
      const form = event.target.closest?.("form") || $("form[data-ctrl-enter]"); if (form?.matches("[data-ctrl-enter]")) { event.preventDefault(); form.requestSubmit(); } return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || root.dataset.keys === "off" || typing(event.target)) return;
    const open = $("dialog[open]"), key = event.key;
    const find = (name) => $$(`[data-key="${CSS.escape(name)}"]`, open || document).find(shown);
    const here = $("[data-rows] > .here") || document.activeElement?.closest?.("[data-rows] > *");
    const hit = (prefix && find(`${prefix} ${key}`)) || (!open && here && $(`[data-row-key="${CSS.escape(key)}"]`, here)) || find(key);
    prefix = ""; clearTimeout(prefixTimer);
    if (hit) { event.preventDefault(); press(hit); return; }
    if (open) return;
    if (key === "?") { event.preventDefault(); $("#shortcuts")?.showModal?.(); }
    else if (key === "j" || key === "k") { if (rows().length) { event.preventDefault(); go(key === "j" ? 1 : -1); } }
    else if (key === "x") { const box = here && $("input[type=checkbox]", here); if (box) { event.preventDefault(); box.click(); } }
    else if ($(`[data-key^="${CSS.escape(key)} "]`)) { prefix = key; prefixTimer = setTimeout(() => { prefix = ""; }, 1200); }
  });

  // --- refresh while somebody looks: <tbody data-poll="20" hx-get=… hx-trigger="poll" hx-swap="innerMorph"> ---
  let touched = Date.now(), paused = false;
  const IDLE = 30 * 60 * 1000;
  for (const kind of ["pointerdown", "keydown", "scroll"]) addEventListener(kind, () => { touched = Date.now(); if (paused) { paused = false; status(); poll(true); } }, { passive: true });
  const status = () => $$("[data-poll-status]").forEach((el) => { el.dataset.text ??= el.textContent; el.textContent = paused ? "已暂停自动更新，移动或按键后继续" : el.dataset.text; });
  const due = new WeakMap();
  const poll = (now = false) => {
    if (document.visibilityState !== "visible" || !window.htmx || paused) return;
    if (Date.now() - touched > IDLE) { paused = true; status(); return; }
    for (const el of $$("[data-poll]")) {
      const every = Math.max(5, Number(el.dataset.poll) || 20) * 1000, next = due.get(el) ?? Date.now() + every;
      if (now || Date.now() >= next) { due.set(el, Date.now() + every); window.htmx.trigger(el, "poll"); } else due.set(el, next);
    }
  };
  setInterval(poll, 1000);
  // A refresh that failed leaves the page as it is; one that was sent to the log-in page means the session is over.
  document.addEventListener("htmx:before:response", (event) => {
    const answer = event.detail?.ctx?.response?.raw;
    if (!answer || !event.target.matches?.("[data-poll]") || (answer.ok && !answer.redirected)) return;
    event.preventDefault(); if (answer.redirected) location.reload();
  });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") poll(true); });

  // --- a PDF reader takes the focus once loaded; the keyboard's page keeps it ---
  const decision = () => $("form[data-ctrl-enter] :is(input:not([type=hidden]),select,textarea,button)");
  for (const frame of $$("iframe.frame")) {
    const back = () => {
      if (document.activeElement !== frame || frame.matches(":hover")) return;
      frame.blur(); (decision() || $("#main")).focus({ preventScroll: true });
    };
    const arrived = performance.now();
    window.addEventListener("blur", () => { if (performance.now() - arrived < 10_000) setTimeout(back, 50); });
    frame.addEventListener("load", () => [0, 200, 600, 1200, 2500].forEach((wait) => setTimeout(back, wait)));
  }

  // --- arriving on a page, or on a part just swapped in ---
  const arrive = () => {
    const summary = $(".errors[role=alert]"), panel = decision(); if (summary) summary.focus(); else if (panel) panel.focus({ preventScroll: true });
    const now = $(".nav [aria-current]"), list = now?.closest("ul");
    if (list && list.scrollWidth > list.clientWidth) list.scrollLeft = now.offsetLeft - (list.clientWidth - now.offsetWidth) / 2;
  };
  document.addEventListener("click", (event) => {
    // A link of the error summary lands on the control itself, with its label in view.
    const link = event.target.closest?.(".errors a[href^='#']"), field = link && document.getElementById(link.hash.slice(1));
    if (!field) return;
    event.preventDefault(); (field.closest(".field") || field).scrollIntoView({ block: "center" });
    (field.matches("input,select,textarea,button") ? field : $("input,select,textarea", field) || field).focus({ preventScroll: true });
  });
  document.addEventListener("htmx:after:swap", () => { if ($(".errors[role=alert]:not([data-seen])")) { $(".errors").dataset.seen = "1"; arrive(); } });
  arrive();
})();
