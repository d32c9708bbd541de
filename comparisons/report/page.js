"use strict";

const byId = (id) => document.getElementById(id);

// Tables: each heading is a button that sorts the rows of every group: up, down, as they were.

const numberIn = (text) => {
  const found = text.replace(/(\d),(?=\d{3})/g, "$1").match(/-?\d+(\.\d+)?/);
  return found ? Number(found[0]) : NaN;
};

function inOrder(rows, column, direction) {
  if (direction === "none") return rows.sort((a, b) => a.dataset.place - b.dataset.place);
  const sign = direction === "ascending" ? 1 : -1;
  const text = (row) => row.cells[column].textContent;
  const value = (row) => numberIn(text(row));
  if (column === 0 || rows.every((row) => Number.isNaN(value(row)))) {
    return rows.sort((a, b) => sign * text(a).localeCompare(text(b)));
  }
  // Cells without a number come last, whatever the direction.
  const byNumber = (x, y) => Number.isNaN(x) - Number.isNaN(y) || sign * (x - y) || 0;
  return rows.sort((a, b) => byNumber(value(a), value(b)));
}

function sortBy(table, column, direction) {
  for (const body of table.tBodies) {
    const rows = [...body.rows].filter((row) => !row.classList.contains("section"));
    rows.forEach((row, place) => (row.dataset.place ??= place));
    body.append(...inOrder(rows, column, direction));
  }
}

const next = { ascending: "descending", descending: "none" };

for (const table of document.querySelectorAll("table")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const direction = next[heading.ariaSort] ?? "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      if (direction !== "none") heading.setAttribute("aria-sort", direction);
      sortBy(table, column, direction);
    });
  });
}

// The slider between two versions of an image.

const scenes = JSON.parse(byId("scenes").textContent);
const versions = (scene) => [...scene.images, ...scene.classes];

function fillChoices(select, chosen) {
  for (const [label, kind] of [["images", "images"], ["class maps", "classes"]]) {
    const group = document.createElement("optgroup");
    group.label = label;
    for (const picture of scenes[0][kind]) {
      group.append(new Option(picture.label, picture.label, false, picture.label === chosen));
    }
    select.append(group);
  }
}

function show(side) {
  const scene = scenes[byId("scene").selectedIndex];
  const picture = versions(scene).find((version) => version.label === byId(side).value);
  const image = byId(`picture-${side}`);
  image.src = picture.source;
  image.alt = `${scene.name}, ${picture.label}`;
  const name = document.createElement("b");
  name.textContent = picture.label;
  byId(`about-${side}`).replaceChildren(name, ` ${picture.about}`);
}

for (const side of ["left", "right"]) {
  fillChoices(byId(side), byId(`picture-${side}`).alt);
  byId(side).addEventListener("change", () => show(side));
  byId("scene").addEventListener("change", () => show(side));
}

const split = byId("split");
const compare = document.querySelector(".compare");
split.addEventListener("input", () => compare.style.setProperty("--split", `${split.value}%`));

// What is folded away is printed, too.

window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
