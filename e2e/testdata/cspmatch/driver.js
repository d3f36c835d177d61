// Runs the cases of cspmatch_test.go. Each case is a page of its own with its own
// policies, in a frame; this page has none, and does in the framed document what
// the steps say. What a policy blocks fires securitypolicyviolation there.
"use strict";

const sleep = ms => new Promise(done => setTimeout(done, ms));

// settled waits for the first of the events, or for the time.
const settled = (target, ms, ...events) => new Promise(done => {
  for (const event of events) target.addEventListener(event, done, {once: true});
  setTimeout(done, ms);
});

const patience = 3000;

function load(doc, name, attributes, parent = doc.body) {
  const element = doc.createElement(name);
  const over = settled(element, patience, "load", "error", "loadeddata");
  for (const [key, value] of Object.entries(attributes)) if (value) element[key] = value;
  parent.append(element);
  return over;
}

const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

const activities = {
  "img": (s, win, doc) => load(doc, "img", {src: s.url}),
  "script": (s, win, doc) => load(doc, "script", {src: s.url, nonce: s.nonce, integrity: s.integrity, crossOrigin: s.integrity && "anonymous"}),
  "style": (s, win, doc) => load(doc, "link", {rel: "stylesheet", href: s.url, nonce: s.nonce}, doc.head),
  "media": (s, win, doc) => load(doc, "audio", {src: s.url}),
  "object": (s, win, doc) => load(doc, "object", {data: s.url}),
  "frame": async (s, win, doc) => { await load(doc, "iframe", {src: s.url}); await sleep(100); },
  "prefetch": (s, win, doc) => load(doc, "link", {rel: "prefetch", href: s.url}, doc.head),
  "font": (s, win) => new win.FontFace("f", `url("${s.url}")`).load().catch(() => {}),
  "connect": async (s, win) => {
    if (!/^wss?:/.test(s.url)) return win.fetch(s.url, {mode: "no-cors"}).catch(() => {});
    try { new win.WebSocket(s.url).close(); } catch {} // asked at once; Chromium is slow to connect many
  },
  "worker": async (s, win) => {
    const url = s.url.startsWith("blob:") ? win.URL.createObjectURL(new win.Blob(["postMessage(1)"])) : s.url;
    try {
      await settled(new win.Worker(url), 1000, "message", "error");
    } catch {}
  },
  "inline-script": (s, win, doc) => {
    const element = doc.createElement("script");
    element.nonce = s.nonce;
    element.textContent = s.content;
    doc.body.append(element);
  },
  "speculation-rules": (s, win, doc) => {
    const element = doc.createElement("script");
    element.type = "speculationrules";
    element.textContent = s.content;
    doc.body.append(element);
  },
  "inline-style": (s, win, doc) => {
    const element = doc.createElement("style");
    element.nonce = s.nonce;
    element.textContent = s.content;
    doc.head.append(element);
  },
  "script-attr": (s, win, doc) => {
    const element = doc.createElement("div");
    element.setAttribute("onclick", s.content);
    doc.body.append(element);
    element.click();
  },
  "style-attr": (s, win, doc) => doc.body.setAttribute("style", s.content),
  "javascript-url": async (s, win, doc) => {
    const element = doc.createElement("a");
    element.href = "javascript:" + s.content;
    doc.body.append(element);
    element.click();
    await sleep(150);
  },
  "eval": (s, win) => { try { win.eval("1"); } catch {} },
  "wasm-eval": (s, win) => { try { new win.WebAssembly.Module(wasm); } catch {} },
  "form-action": async (s, win, doc) => {
    const target = doc.createElement("iframe");
    target.name = "target" + Math.random();
    const form = doc.createElement("form");
    form.action = s.url;
    form.target = target.name;
    doc.body.append(target, form);
    form.submit();
    await sleep(300);
  },
  "base-uri": (s, win, doc) => {
    const element = doc.createElement("base");
    element.href = s.url;
    doc.head.append(element);
    return sleep(10).then(() => element.remove());
  },
};

async function runStep(s, win, doc, ranAtFirst, settle) {
  // The parser put it there; it says itself whether it ran.
  if (s.markup) return {blocked: !ranAtFirst, directive: ""};
  const seen = [];
  const listener = e => {
    // The frame that a form is sent to makes a violation of its own.
    if (s.activity === "form-action" && e.effectiveDirective !== "form-action") return;
    // So does a <base> that is taken away, without a URL.
    if (s.activity === "base-uri" && e.blockedURI === "") return;
    if (e.disposition === "enforce") seen.push(e.effectiveDirective);
  };
  doc.addEventListener("securitypolicyviolation", listener);
  await activities[s.activity](s, win, doc);
  await sleep(settle);
  doc.removeEventListener("securitypolicyviolation", listener);
  return {blocked: seen.length > 0, directive: seen[0] || ""};
}

async function runCase(c, settle) {
  const frame = document.createElement("iframe");
  frame.src = "/case/" + c.id;
  const over = settled(frame, 10000, "load");
  document.body.append(frame);
  await over;
  let doc = null;
  try { doc = frame.contentDocument; } catch {}
  const there = doc !== null && doc.title === "case";
  const ranAtFirst = there && frame.contentWindow.ran === 1;
  const results = [];
  for (const s of c.steps) {
    if (s.activity === "frame-ancestor") results.push({blocked: !there, directive: ""});
    else if (!there) results.push({error: "the page did not load"});
    else results.push(await runStep(s, frame.contentWindow, doc, ranAtFirst, settle).catch(e => ({error: String(e)})));
  }
  frame.remove();
  return results;
}

// run runs the cases, so many at a time, and gathers the results by id. settle is
// how long a violation may take to be told, in milliseconds.
async function run(cases, workers, settle) {
  window.finished = false;
  window.results = {};
  const queue = [...cases];
  const worker = async () => {
    while (queue.length > 0) {
      const c = queue.shift();
      window.results[c.id] = await runCase(c, settle);
    }
  };
  await Promise.all(Array.from({length: workers}, worker));
  window.finished = true;
}
