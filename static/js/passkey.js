// Passkeys: the browser makes and shows them, the server judges. A form with data-passkey="create|get" and data-options.
(() => {
  "use strict";
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const each = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  // The options as the browser wants them: what travels as base64url are bytes there.
  const opened = (options) => {
    const open = { ...options, challenge: bytes(options.challenge) };
    if (open.user) open.user = { ...open.user, id: bytes(open.user.id) };
    if (open.excludeCredentials) open.excludeCredentials = each(open.excludeCredentials);
    if (open.allowCredentials) open.allowCredentials = each(open.allowCredentials);
    return open;
  };
  const closed = (made) => {
    const response = { clientDataJSON: text(made.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (made.response[name]) response[name] = text(made.response[name]);
    }
    return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: made.getClientExtensionResults() };
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const say = (said) => { form.querySelector("[data-passkey-said]").textContent = said; };
    form.addEventListener("submit", async (event) => {
      const field = form.elements.credential;
      if (field.value) return;
      event.preventDefault();
      if (!window.PublicKeyCredential) {
        say("这个浏览器或这个网址不支持通行密钥（要求 https 或 localhost）。请改用身份验证器。");
        return;
      }
      say("请按浏览器的提示操作");
      try {
        const publicKey = opened(JSON.parse(form.dataset.options).publicKey);
        const made = await navigator.credentials[form.dataset.passkey]({ publicKey });
        field.value = JSON.stringify(closed(made));
        form.submit();
      } catch (error) {
        say(error.name === "InvalidStateError" ? "这台设备已经添加过。" : error.name === "SecurityError" ? "这个网址不能使用通行密钥。请用 https 或 localhost 打开，或改用身份验证器。" : "没有完成，可以再试一次。");
      }
    });
  }
})();
