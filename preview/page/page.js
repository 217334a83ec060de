'use strict';
(function () {
  var search = document.getElementById('search');
  var found = document.getElementById('found');
  var none = document.getElementById('none');
  var view = document.getElementById('view');
  var fold = document.getElementById('fold');
  var parts = Array.prototype.map.call(document.querySelectorAll('.part'), function (part) {
    var head = part.querySelector('h2').textContent + ' ' + Array.prototype.map.call(part.querySelectorAll('.targets li'), function (li) { return li.textContent; }).join(' ');
    return {
      element: part,
      head: head.toLowerCase(),
      objects: Array.prototype.map.call(part.querySelectorAll('.object'), function (o) { return { element: o, text: o.textContent.toLowerCase() }; }),
    };
  });

  var verdicts = Array.prototype.map.call(document.querySelectorAll('.live > ul:not(.clusters) > li'), function (li) { return { element: li, text: li.textContent.toLowerCase() }; });

  function filter() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var shown = 0, all = 0;
    parts.forEach(function (part) {
      var any = false;
      part.objects.forEach(function (o) {
        var hit = words.every(function (w) { return part.head.indexOf(w) >= 0 || o.text.indexOf(w) >= 0; });
        o.element.hidden = !hit;
        any = any || hit;
        all++;
        if (hit) shown++;
      });
      part.element.hidden = part.objects.length > 0 && !any;
    });
    verdicts.forEach(function (v) {
      v.element.hidden = !words.every(function (w) { return v.text.indexOf(w) >= 0; });
      all++;
      if (!v.element.hidden) shown++;
    });
    found.textContent = words.length ? shown + ' of ' + all : '';
    none.hidden = !(words.length && shown === 0);
  }

  function split(on) {
    document.body.classList.toggle('split', on);
    view.setAttribute('aria-pressed', String(on));
    view.textContent = on ? 'Unified' : 'Side by side';
  }

  search.addEventListener('input', filter);
  view.addEventListener('click', function () { split(!document.body.classList.contains('split')); });
  fold.addEventListener('click', function () {
    var open = document.querySelector('.object[open]') === null;
    document.querySelectorAll('.object').forEach(function (o) { o.open = open; });
    fold.textContent = open ? 'Fold all' : 'Unfold all';
  });
  document.addEventListener('keydown', function (e) {
    if (e.key === '/' && document.activeElement !== search) { e.preventDefault(); search.focus(); }
  });
  if (location.hash.indexOf('q=') === 1) { search.value = decodeURIComponent(location.hash.slice(3)); filter(); }
})();
