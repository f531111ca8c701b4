// For comfort only: every page works without it.
"use strict";

// A page kept by the browser would send a form that has been sent before.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    window.location.reload();
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post") {
    return;
  }
  const pressed = event.submitter;
  // Only after the browser has gathered the fields: a disabled button would not be among them.
  window.setTimeout(() => {
    for (const button of form.querySelectorAll("button")) {
      button.disabled = true;
    }
    if (pressed && form.classList.contains("clock__form")) {
      pressed.textContent = "Moving…";
    }
  }, 0);
});
