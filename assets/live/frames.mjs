// What of a page needs no Dash: it comes folded into an attribute of what it stands in, and is drawn straight into the
// page. As Dash components all these boxes and words would each be rendered by React and subscribe to the page's store.

const citywall = (window.citywall ??= {});

export function unfold() {
  for (const element of document.querySelectorAll("[data-frame]")) {
    citywall.draw(element, JSON.parse(element.dataset.frame));
    element.removeAttribute("data-frame");
  }
}
