// The DOM's own members: in a form, a field named "matches" takes their place, in the document a form named "body".

/** @type {ProxyHandler<any>} */
const own = {
  get(node, name) {
    const member = Reflect.get(Object.getPrototypeOf(node), name, node);
    return typeof member === "function" ? member.bind(node) : member;
  },
  set: (node, name, value) => Reflect.set(Object.getPrototypeOf(node), name, value, node),
};

/** For reading a node, not for passing it on. @type {LiveView.Dom} */
export const dom = (node) => new Proxy(node, own);

export const document = dom(window.document);
