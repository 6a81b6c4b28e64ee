"use strict";
const find = (id) => document.getElementById(id);
const add = (parent, tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
};
const row = (table, cells) => {
  const line = add(table, "tr");
  for (const cell of cells) add(line, "td", cell);
};
const listed = (answer) => {
  if (Array.isArray(answer)) return answer.map((s) => [s.label, s.text, s.probability.toFixed(3)]);
  const found = answer.top ?? answer.labels;
  return found.map((each) => [each.label, "", each.probability.toFixed(3)]);
};
const show = (reply) => {
  const place = find("answer");
  place.replaceChildren();
  for (const one of reply.replies) {
    if (one.truncated) add(place, "p", "Only a part of this text was read: it is too long.");
    for (const [task, answer] of Object.entries(one.answers)) {
      add(place, "h2", task);
      const lines = listed(answer);
      if (!lines.length) add(place, "p", "none");
      const table = add(place, "table");
      for (const line of lines) row(table, line);
    }
  }
  add(place, "p", `${reply.service}, record ${reply.record} (${reply.stage})`, "aside");
};
const refuse = (message, remedy) => {
  const place = find("answer");
  place.replaceChildren();
  const box = add(place, "div", undefined, "problem");
  add(box, "p", message);
  add(box, "p", remedy);
};
const ask = async () => {
  const headers = { "Content-Type": "application/json" };
  if (find("token").value) headers.Authorization = `Bearer ${find("token").value}`;
  const body = JSON.stringify({ text: find("text").value, top: Number(find("top").value) });
  const response = await fetch("/v1/predict", { method: "POST", headers, body });
  const found = await response.json();
  if (response.status === 401) find("secret").hidden = false;
  if (response.ok) show(found);
  else refuse(found.error.message, found.error.remedy);
};
find("form").addEventListener("submit", (event) => {
  event.preventDefault();
  ask().catch((error) => refuse(String(error), "Is the server still running?"));
});
