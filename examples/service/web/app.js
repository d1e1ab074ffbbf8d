// The pages. They hold the access token in this variable and nowhere else; the refresh token is in a cookie that no script
// sees. Whatever comes from others is put in as text, never as HTML.
let accessToken = "";
let me = null;
let teams = [];
let team = null;

const $ = (id) => document.getElementById(id);

// el makes an element: el("button", {onclick: f}, "text", child).
function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on") || key === "disabled" || key === "required" || key === "selected") e[key] = value;
    else e.setAttribute(key, value);
  }
  e.append(...children);
  return e;
}

function say(text, bad = false) {
  $("message").textContent = text;
  $("message").className = bad ? "bad" : "";
  $("message").hidden = !text;
}

// ---- The session

// The cookie is of all tabs: when one signs in or out, the others start anew.
const tabs = new BroadcastChannel("session");
tabs.onmessage = () => location.reload();

// renew asks for an access token with the cookie, once for all who wait for one. Two tabs that do so at once are both
// answered.
let renewing = null;
function renew() {
  renewing ??= renewOnce().finally(() => { renewing = null; });
  return renewing;
}

async function renewOnce() {
  const response = await fetch("/session/refresh", { method: "POST" });
  accessToken = response.ok ? (await response.json()).access_token : "";
  if (response.status >= 500 || response.status === 429) throw new Error("The service does not answer. Try again.");
  return accessToken !== "";
}

// stillMe stops where the cookie has become somebody else's, in another tab: what one person asked for is not done as another.
async function stillMe() {
  if (!me) return;
  const response = await fetch("/api/me", { headers: { Authorization: "Bearer " + accessToken } });
  if ((await result(response)).name === me.name) return;
  location.reload();
  throw new Error("Somebody else has signed in.");
}

// api calls the service, once more with a new token where the old one is not taken. An answer for somebody who has signed out
// meanwhile is nobody's.
async function api(method, path, body) {
  const asked = me;
  const send = () => fetch("/api/" + path, {
    method,
    headers: { Authorization: "Bearer " + accessToken, ...(body && { "Content-Type": "application/json" }) },
    body: body && JSON.stringify(body),
  });
  let response = await send();
  if (response.status === 401) {
    if (!(await renew())) {
      signedOut();
      throw new Error("You are signed out.");
    }
    await stillMe();
    response = await send();
  }
  const value = await result(response);
  if (me !== asked) throw new Error("You are signed out.");
  return value;
}

async function result(response) {
  const text = await response.text();
  const json = (response.headers.get("Content-Type") || "").includes("json");
  const value = json && text ? JSON.parse(text) : text;
  if (!response.ok) throw new Error((json ? value.detail || value.title : text.trim()) || "The service answers " + response.status + ".");
  return value;
}

async function signIn(name, password) {
  const bytes = new TextEncoder().encode(name + ":" + password);
  const response = await fetch("/session/login", {
    method: "POST",
    headers: { Authorization: "Basic " + btoa(String.fromCharCode(...bytes)) },
  });
  if (response.status === 401) throw new Error("Name or password is wrong.");
  accessToken = (await result(response)).access_token;
  tabs.postMessage("in");
  await signedIn();
}

async function signUp(name, password) {
  await result(await fetch("/signup", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, password }),
  }));
  await signIn(name, password);
}

async function signOut() {
  const response = await fetch("/session/logout", { method: "POST" });
  if (response.status !== 400) await result(response); // 400: there is no cookie, since another tab has signed out
  tabs.postMessage("out");
  signedOut();
}

async function signedIn() {
  me = await api("GET", "me");
  $("who").textContent = me.name;
  $("sign-out").hidden = false;
  show("Notes");
}

function signedOut() {
  accessToken = "";
  me = team = null;
  teams = [];
  turn++;
  $("who").textContent = "";
  $("sign-out").hidden = $("tabs").hidden = true;
  $("main").replaceChildren(el("div", { class: "doors" },
    credentials("Sign in", "current-password", signIn),
    credentials("Create account", "new-password", signUp, "At least 15 characters: a sentence is easiest.")));
}

function credentials(title, autocomplete, submit, hint = "") {
  return form(title, [
    field("Name", { name: "name", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" }),
    field("Password", { name: "password", type: "password", autocomplete, required: true }, hint),
  ], (data) => submit(data.name, data.password));
}

// ---- Parts of pages

// attempt runs what a person asked for, and says what went wrong.
async function attempt(f) {
  say("");
  try {
    await f();
  } catch (error) {
    say(error.message, true);
  }
}

function field(label, attributes, hint = "") {
  const input = attributes.options
    ? el("select", { name: attributes.name }, ...attributes.options.map((o) => el("option", { value: o }, o)))
    : el("input", attributes);
  return el("label", {}, label, input, ...(hint ? [el("small", {}, hint)] : []));
}

function form(title, fields, submit) {
  return el("form", {
    "aria-label": title,
    onsubmit: (event) => {
      event.preventDefault();
      const data = new FormData(event.target);
      const button = event.target.querySelector("button");
      button.disabled = true;
      attempt(() => submit({ ...Object.fromEntries(data), all: data })).finally(() => { button.disabled = false; });
    },
  }, el("h2", {}, title), ...fields, el("button", {}, title));
}

function list(title, items, row, none) {
  return el("section", {}, el("h2", {}, title),
    items.length ? el("ul", {}, ...items.map((i) => el("li", {}, ...row(i)))) : el("p", { class: "none" }, none));
}

function text(main, detail = "") {
  return el("span", { class: "text" }, main, ...(detail ? [el("small", {}, detail)] : []));
}

function act(label, what, f) {
  return el("button", { class: "quiet", "aria-label": label + " " + what, onclick: () => attempt(f) }, label);
}

// once shows a secret that nobody will show again.
function once(what, ...values) {
  return el("section", { class: "once" }, el("h2", {}, what), el("p", {}, "Copy it now: it is not shown again."),
    ...values.map((v) => el("code", {}, v)));
}

const date = (s) => new Date(s).toLocaleString();

const noTeam = () => [el("p", { class: "none" }, "You are in no team. Make one under Teams.")];

// loadTeams is asked by each page of a team: others may have given the team another role, or taken it away.
async function loadTeams() {
  teams = await api("GET", "teams");
  team = teams.find((t) => team && t.id === team.id) || teams[0] || null;
}

function teamChooser(page) {
  return el("label", { class: "team" }, "Team", el("select", {
    onchange: (event) => {
      team = teams.find((t) => t.id === event.target.value);
      show(page);
    },
  }, ...teams.map((t) => el("option", { value: t.id, selected: t === team }, t.name + " (" + t.role + ")"))));
}

// ---- The pages

const pages = {
  async Notes() {
    await loadTeams();
    if (!team) return noTeam();
    const path = "teams/" + team.id + "/notes";
    const notes = await api("GET", path);
    const write = form("Write a note", [field("Text", { name: "text", required: true, maxlength: 10000, autocomplete: "off" })],
      async (data) => { await api("POST", path, { text: data.text }); await show("Notes"); });
    return [teamChooser("Notes"), ...(team.role === "reader" ? [] : [write]),
      list("Notes", notes, (n) => [text(n.text, n.author),
        ...(team.role === "owner" || n.author === me.name
          ? [act("Delete", n.text, async () => { await api("DELETE", path + "/" + n.id); await show("Notes"); })] : []),
      ], "Nothing yet.")];
  },

  async Teams() {
    await loadTeams();
    const found = form("New team", [field("Name", { name: "name", required: true, maxlength: 100, autocomplete: "off" })],
      async (data) => { team = await api("POST", "teams", { name: data.name }); await again(); });
    const again = () => show("Teams");
    if (!team) return [...noTeam(), found];
    const path = "teams/" + team.id + "/members";
    const members = await api("GET", path);
    const owner = team.role === "owner";
    return [teamChooser("Teams"),
      list("Members", members, (m) => [text(m.name, m.role),
        ...(owner ? [act("Remove", m.name, async () => { await api("DELETE", path + "/" + m.name); await again(); })] : []),
      ], ""),
      ...(owner ? [form("Add member", [
        field("Name", { name: "name", required: true, autocapitalize: "none", autocomplete: "off" }),
        field("Role", { name: "role", options: ["reader", "member", "owner"] }),
      ], async (data) => { await api("PUT", path + "/" + encodeURIComponent(data.name), { role: data.role }); await again(); })] : []),
      found];
  },

  async Programs(shown) {
    await loadTeams();
    if (!team) return noTeam();
    if (team.role !== "owner") return [teamChooser("Programs"), el("p", {}, "Owners of a team register its programs.")];
    const path = "teams/" + team.id + "/programs";
    const programs = await api("GET", path);
    return [teamChooser("Programs"),
      ...(shown ? [once("Client " + shown.name, shown.client_id, shown.client_secret)] : []),
      list("Programs", programs, (p) => [text(p.name, p.client_id + ", " + p.role),
        act("Remove", p.name, async () => { await api("DELETE", path + "/" + p.client_id); await show("Programs"); }),
      ], "A program gets tokens at /oauth/token with its id and secret."),
      form("Register program", [
        field("Name", { name: "name", required: true, maxlength: 100, autocomplete: "off" }),
        field("Role", { name: "role", options: ["reader", "member"] }),
      ], async (data) => show("Programs", await api("POST", path, { name: data.name, role: data.role })))];
  },

  async Keys(shown) {
    const { keys } = await api("GET", "keys");
    const scopes = me.scopes.split(" ");
    return [
      ...(shown ? [once("Key " + shown.name, shown.key)] : []),
      list("API keys", keys, (k) => [text(k.name, (k.scopes.join(", ") || "no scope") + " · " + k.state + " · until " + date(k.expires_at)),
        ...(k.state === "active" ? [el("span", { class: "acts" },
          act("Rotate", k.name, async () => show("Keys", await api("POST", "keys/" + k.id + "/rotate", { grace_seconds: 3600 }))),
          act("Revoke", k.name, async () => { await api("DELETE", "keys/" + k.id); await show("Keys"); }),
        )] : []),
      ], "None yet. A key works in X-API-Key and as a bearer token."),
      form("Create key", [
        field("Name", { name: "name", required: true, maxlength: 100, autocomplete: "off" }),
        el("fieldset", {}, el("legend", {}, "It may"),
          ...scopes.map((s) => el("label", { class: "check" }, el("input", { type: "checkbox", name: "scope", value: s }), s))),
      ], async (data) => show("Keys", await api("POST", "keys", { name: data.name, scopes: data.all.getAll("scope") })))];
  },

  async Sessions() {
    const sessions = await api("GET", "sessions");
    return [list("Where you are signed in", sessions, (s) => [
      text(s.device || s.client, "since " + date(s.started_at) + ", last used " + date(s.last_used_at)),
      s.current ? el("em", {}, "this one") : act("End", s.device || s.client, async () => { await api("DELETE", "sessions/" + s.id); await show("Sessions"); }),
    ], "")];
  },

  async Admin() {
    const people = await api("GET", "admin/people");
    const set = (name, what) => async () => { await api("POST", "admin/people/" + name + "/" + what); await show("Admin"); };
    return [list("People", people, (p) => [
      text(p.name, [p.admin && "administrator", p.disabled && "disabled"].filter(Boolean).join(", ")),
      ...(p.name === me.name ? [] : [p.disabled ? act("Enable", p.name, set(p.name, "enable")) : act("Disable", p.name, set(p.name, "disable"))]),
    ], "")];
  },
};

// show draws a page, unless somebody has asked for another meanwhile, or signed out.
let turn = 0;
async function show(name, shown) {
  const mine = ++turn;
  $("tabs").hidden = false;
  $("tabs").replaceChildren(...Object.keys(pages).filter((p) => p !== "Admin" || me.admin).map((p) =>
    el("button", { onclick: () => attempt(() => show(p)), ...(p === name && { "aria-current": "page" }) }, p)));
  const parts = await pages[name](shown);
  if (mine === turn) $("main").replaceChildren(...parts);
}

$("sign-out").onclick = () => attempt(signOut);
attempt(async () => {
  if (await renew()) await signedIn();
  else signedOut();
});
