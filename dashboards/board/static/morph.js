// Changes a part of the page into new HTML and touches only what differs, so that focus, scrolling
// and opened details stay as they are. Elements with data-keep belong to a script and are left alone.

export function morph(target, html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  children(target, template.content);
}

function children(old, fresh) {
  const wanted = [...fresh.childNodes];
  wanted.forEach((node, index) => {
    const present = old.childNodes[index];
    // The browser compares whole branches faster than a script walks through them.
    if (present?.isEqualNode(node)) return;
    if (!present) {
      old.appendChild(node);
    } else if (same(present, node)) {
      update(present, node);
    } else {
      const further = find(old, node, index + 1);
      if (further) {
        while (old.childNodes[index] !== further) old.childNodes[index].remove();
        update(further, node);
      } else {
        old.insertBefore(node, present);
      }
    }
  });
  while (old.childNodes.length > wanted.length) old.lastChild.remove();
}

function find(parent, node, from) {
  if (node.nodeType !== Node.ELEMENT_NODE) return null;
  for (let index = from; index < parent.childNodes.length; index++) {
    if (same(parent.childNodes[index], node)) return parent.childNodes[index];
  }
  return null;
}

function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
}

function update(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-keep")) return;
  for (const { name } of [...old.attributes]) {
    const opened = name === "open" && old.nodeName === "DETAILS";
    if (!opened && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  children(old, fresh);
}
